import test from 'ava';
import type { Expression } from '../../../src/core/packetdrill/ast.ts';
import { callOf, eventOf, parsed } from './scripts.ts';

const values = (expressions: readonly Expression[]) =>
  JSON.parse(
    JSON.stringify(expressions, (key, value: unknown) => (key === 'position' ? undefined : value)),
  );

test('a script has options, an init command, events and a cleanup command', (t) => {
  const script = parsed(
    t,
    [
      '--tolerance_usecs=100000 --strict_segments',
      '--local_ip=192.168.0.1 --remote_ip=fd3d::1 --ip_version=ipv4-mapped-ipv6',
      '`./defaults.sh\n ./set_sysctls.py a=1`',
      '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3',
      '+0 `sysctl -q net.ipv4.tcp_ecn=1`',
      '+0 %{ assert True }%',
      '`rm \\`x\\``',
    ].join('\n'),
  );
  t.deepEqual(
    script.options.map(({ name, value }) => [name, value]),
    [
      ['tolerance_usecs', '100000'],
      ['strict_segments', null],
      ['local_ip', '192.168.0.1'],
      ['remote_ip', 'fd3d::1'],
      ['ip_version', 'ipv4-mapped-ipv6'],
    ],
  );
  t.is(script.init?.text, './defaults.sh\n ./set_sysctls.py a=1');
  t.deepEqual(
    script.events.map(({ action }) => action.kind),
    ['call', 'command', 'code'],
  );
  t.is(script.cleanup?.text, 'rm `x`');
  t.is(script.dialect, 'google');
});

test('times are absolute, relative, any, or ranges', (t) => {
  const { events } = parsed(
    t,
    '0 > . 1:1(0)\n 0.1 > . 1:1(0)\n +.25 > . 1:1(0)\n * > . 1:1(0)\n 1~2.5 > . 1:1(0)\n +0~+.001 > . 1:1(0)',
  );
  t.deepEqual(
    events.map(({ time }) => time),
    [
      { kind: 'absolute', at: 0 },
      { kind: 'absolute', at: 100_000 },
      { kind: 'relative', at: 250_000 },
      { kind: 'any' },
      { kind: 'absolute-range', from: 1_000_000, to: 2_500_000 },
      { kind: 'relative-range', from: 0, to: 1_000 },
    ],
  );
});

test('an ellipsis behind the time makes a call blocking, with or without leading zeros', (t) => {
  const { events } = parsed(
    t,
    '0...0.100 accept(3, ..., ...) = 4\n+.01...0.011 connect(3, ..., ...) = 0\n+0....5 read(3, ..., 1) = 1',
  );
  t.deepEqual(
    events.map(({ time, action }) => [time, action.kind === 'call' ? action.until : null]),
    [
      [{ kind: 'absolute', at: 0 }, 100_000],
      [{ kind: 'relative', at: 10_000 }, 11_000],
      [{ kind: 'relative', at: 0 }, 500_000],
    ],
  );
});

test('a call has arguments, a result, an errno and a note', (t) => {
  const call = callOf(
    t,
    'connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress (really))',
  );
  t.like(call, { name: 'connect', errno: 'EINPROGRESS', until: null });
  t.is(call.note, 'Operation now in progress (really)');
  t.deepEqual(values([...call.arguments, call.result]), [
    { kind: 'integer', value: 3 },
    { kind: 'ellipsis' },
    { kind: 'ellipsis' },
    { kind: 'integer', value: -1 },
  ]);
});

test('a result may be without errno, hexadecimal, or a symbol', (t) => {
  t.like(callOf(t, 'connect(3, ..., ...) = -1 // EINPROGRESS'), { errno: null, note: null });
  t.like(callOf(t, 'setsockopt(3, SOL_TCP, 33, "", 0) = -1 (Invalid Argument)'), {
    errno: null,
    note: 'Invalid Argument',
  });
  t.like(callOf(t, 'fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)'), {
    result: { kind: 'integer', value: 0x802 },
    note: 'flags O_RDWR|O_NONBLOCK',
  });
  t.like(callOf(t, 'fcntl(3, F_GETFL) = O_RDWR').result, { kind: 'symbol', name: 'O_RDWR' });
});

test('arguments: flags, lists, structures, texts, addresses', (t) => {
  const of = (text: string) => values(callOf(t, `f(${text}) = 0`).arguments);
  t.deepEqual(of('O_RDWR | O_NONBLOCK'), [
    {
      kind: 'or',
      terms: [
        { kind: 'symbol', name: 'O_RDWR' },
        { kind: 'symbol', name: 'O_NONBLOCK' },
      ],
    },
  ]);
  t.deepEqual(of('[1], [], "a" "b\\"\\xa1\\n"'), [
    { kind: 'list', items: [{ kind: 'integer', value: 1 }] },
    { kind: 'list', items: [] },
    { kind: 'string', value: 'ab"\u00a1\n', isPrefix: false },
  ]);
  t.deepEqual(of('"cub"...'), [{ kind: 'string', value: 'cub', isPrefix: true }]);
  t.deepEqual(of('{onoff=1, linger=0}'), [
    {
      kind: 'structure',
      fields: [
        { name: 'onoff', count: null, value: { kind: 'integer', value: 1 } },
        { name: 'linger', count: null, value: { kind: 'integer', value: 0 } },
      ],
    },
  ]);
  t.deepEqual(
    of('{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("1.2.3.4")}'),
    [
      {
        kind: 'structure',
        fields: [
          { name: 'sa_family', count: null, value: { kind: 'symbol', name: 'AF_INET' } },
          {
            name: 'sin_port',
            count: null,
            value: { kind: 'apply', name: 'htons', arguments: [{ kind: 'integer', value: 8080 }] },
          },
          {
            name: 'sin_addr',
            count: null,
            value: {
              kind: 'apply',
              name: 'inet_addr',
              arguments: [{ kind: 'string', value: '1.2.3.4', isPrefix: false }],
            },
          },
        ],
      },
    ],
  );
});

test('a msghdr has names, counts, and iovecs without names', (t) => {
  const [message] = values(
    callOf(t, 'sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10},{...,20}]}, 0) = 30').arguments,
  ).slice(1);
  t.deepEqual(message, {
    kind: 'structure',
    fields: [
      { name: 'msg_name', count: { kind: 'ellipsis' }, value: { kind: 'ellipsis' } },
      {
        name: 'msg_iov',
        count: { kind: 'integer', value: 2 },
        value: {
          kind: 'list',
          items: [10, 20].map((length) => ({
            kind: 'structure',
            fields: [
              { name: null, count: null, value: { kind: 'ellipsis' } },
              { name: null, count: null, value: { kind: 'integer', value: length } },
            ],
          })),
        },
      },
    ],
  });
});

test('poll and epoll have their structures', (t) => {
  t.notThrows(() => callOf(t, 'poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1'));
  t.notThrows(() => callOf(t, 'epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLET, fd=4}) = 0'));
  t.notThrows(() => callOf(t, 'epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0'));
});

test('code keeps its lines, without the blanks at both ends', (t) => {
  const event = eventOf(t, '0 %{   assert a == 1\nassert b == 2  }%');
  t.like(event.action, { kind: 'code', text: 'assert a == 1\nassert b == 2' });
  t.deepEqual(event.action.position, { line: 1, column: 8 });
  t.is(event.text, '0 %{   assert a == 1 assert b == 2  }%');
});

test('symbols are replaced at the word, by what they are defined as', (t) => {
  const defines = { A: '7', TEXT: '"x y"', RUN: '`ls`', NAME: 'SO_ERROR' };
  const { events } = parsed(t, '0 f(A, TEXT, NAME, AA) = 0\n+0 RUN', { defines });
  const [call, command] = events.map(({ action }) => action);
  t.deepEqual(call?.kind === 'call' && values(call.arguments), [
    { kind: 'integer', value: 7 },
    { kind: 'string', value: 'x y', isPrefix: false },
    { kind: 'symbol', name: 'SO_ERROR' },
    { kind: 'symbol', name: 'AA' },
  ]);
  t.like(command, { kind: 'command', text: 'ls' });
});

test('a script defines symbols itself, but the command line wins', (t) => {
  const text = '--define=A=5\n--define=B="text"\n-' + '-D=C=`ls`\n0 f(A, B) = 0\n+0 C';
  const argumentsOf = (defines: Record<string, string>) => {
    const { action } = parsed(t, text, { defines }).events[0] ?? {};
    return action?.kind === 'call' ? values(action.arguments) : null;
  };
  const string = { kind: 'string', value: 'text', isPrefix: false };
  t.deepEqual(argumentsOf({}), [{ kind: 'integer', value: 5 }, string]);
  t.deepEqual(argumentsOf({ A: '6' }), [{ kind: 'integer', value: 6 }, string]);
});

test('nplab: #ifdef keeps or leaves out lines', (t) => {
  const text =
    '0 f(1) = 0\n#ifdef X\n+0 f(2) = 0\n#endif\n#ifndef X\n+0 f(3) = 0\n#endif\n+0 f(4) = 0';
  const valuesWith = (defines: Record<string, string>) =>
    parsed(t, text, { defines }).events.map(({ action }) =>
      action.kind === 'call' && action.arguments[0]?.kind === 'integer'
        ? action.arguments[0].value
        : null,
    );
  t.deepEqual(valuesWith({ X: '1' }), [1, 2, 4]);
  t.deepEqual(valuesWith({}), [1, 3, 4]);
});

test('the dialect is told by what occurs, or by the caller', (t) => {
  const freebsd = '0 `sysctl -w net.inet.tcp.rfc1323=1`\n+0 f() = 0';
  t.is(parsed(t, freebsd).dialect, 'nplab');
  t.is(parsed(t, freebsd, { dialect: 'google' }).dialect, 'google');
  t.is(parsed(t, '`sysctl -q net.ipv4.tcp_ecn=1`\n0 f() = 0').dialect, 'google');
});
