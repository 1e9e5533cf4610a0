import { SECOND } from '../../core/base/time.ts';
import { connect, openPair, PORT, Program, serve } from '../play.ts';
import type { Scenario } from '../scenario.ts';

const HOUR = 3600 * SECOND;

export const readZero: Scenario = {
  name: 'read-zero',
  claim:
    'read() returns 0: the FIN of the peer has arrived, and neither the program nor its TCP can know whether the peer called shutdown(send) or close().',
  shows:
    'Both clients send the same FIN, and both servers read 0: at that moment nothing tells them apart. Only what the server sends afterwards does. The one that called shutdown(send) takes it and acknowledges it; the one that called close() has nobody left to read it, and its TCP answers with a RST. The server’s program learns of it when it writes again: EPIPE.',
  async run(lab) {
    const first = lab.host('shutdown-client');
    const second = lab.host('close-client');
    const server = lab.host('server');
    const accepted: Program[] = [];
    serve(server, (socket) => accepted.push(new Program(socket)));
    lab.say('Two clients connect, and each sends a question.');
    const shutdown = new Program(connect(first, server));
    const closed = new Program(connect(second, server));
    await lab.until(() => accepted.length === 2);
    shutdown.socket.write('question');
    closed.socket.write('question');
    await lab.passes(SECOND);
    lab.say('One calls shutdown(send), the other calls close(). The server reads 0 from both.');
    shutdown.socket.end();
    closed.socket.destroy();
    await lab.passes(SECOND);
    const bothReadZero = accepted.every((program) => program.ended);
    lab.say('The server answers both.');
    for (const program of accepted) program.socket.write('answer');
    await lab.passes(SECOND);
    lab.say('It has one more word for each.');
    for (const program of accepted) program.socket.end(', and one more word');
    await lab.passes(SECOND);
    return {
      bothReadZero,
      afterShutdown: shutdown.text,
      afterClose: accepted.find((program) => program.error !== null)?.error ?? 'nothing',
      resets: lab.resets(),
    };
  },
};

export const halfClose: Scenario = {
  name: 'half-close',
  claim:
    'connect, send, shutdown(send), receive: few clients do it, but it is perfectly legal, and the half-closed connection may last as long as it likes.',
  shows:
    'After its FIN the client is in FIN-WAIT-2, the server in CLOSE-WAIT: one direction has ended, the other is as it was. The answer comes in pieces, hours apart, and all of it arrives. Nothing in TCP limits how long this lasts.',
  async run(lab) {
    const a = lab.host('client');
    const b = lab.host('server');
    const { client, server } = await openPair(lab, a, b);
    lab.say('The client sends its question, and calls shutdown(send).');
    client.socket.end('question');
    await lab.until(() => server.ended);
    const pieces = 4;
    for (let i = 1; i <= pieces; i++) {
      await lab.passes(HOUR);
      lab.say(`An hour later the server sends piece ${i} of its answer.`);
      server.socket.write(`piece ${i}\n`);
    }
    await lab.passes(HOUR);
    lab.say('The server has said everything, and closes.');
    server.socket.end();
    await lab.until(() => client.closed && server.closed);
    return { answer: client.text, hours: pieces + 1, resets: lab.resets() };
  },
};

export const closeOnEof: Scenario = {
  name: 'close-on-eof',
  claim:
    'Many servers close when read() returns 0. That is wrong: a client that has only shut down its send side loses the answer.',
  shows:
    'The server takes the end of the question for the end of the connection and calls close(): what it had still to say is never sent. The client, which waited for an answer of two parts, reads 0 after the first.',
  async run(lab) {
    const a = lab.host('client');
    const b = lab.host('server');
    lab.say(
      'A server that closes when it reads 0 answers in two parts, the second after a second.',
    );
    serve(b, (socket) => {
      socket.once('data', () => {
        socket.write('first part, ');
        lab.timers.setTimeout(() => socket.writable && socket.end('second part'), 1000);
      });
      socket.on('end', () => socket.destroy());
    });
    const client = new Program(connect(a, b));
    await lab.until(() => !client.socket.connecting);
    lab.say('The client sends its question, calls shutdown(send), and waits for the answer.');
    client.socket.end('question');
    await lab.until(() => client.closed);
    await lab.passes(2 * SECOND);
    return { expected: 'first part, second part', received: client.text, resets: lab.resets() };
  },
};

export const closeWaitPile: Scenario = {
  name: 'close-wait-pile',
  claim:
    'shutdown() alone is not enough: without close() handles and their resources leak, and connections pile up in CLOSE-WAIT.',
  shows:
    'A server that reads 0 and then forgets the socket leaves each connection in CLOSE-WAIT. The client is long gone: its FIN-WAIT-2 has ended after 60 s. No timer of TCP ever ends CLOSE-WAIT, because it waits for the program alone.',
  async run(lab) {
    const a = lab.host('client');
    const b = lab.host('server');
    lab.say('A server that never closes; five clients that connect and close.');
    const forgotten: Program[] = [];
    serve(b, (socket) => forgotten.push(new Program(socket)));
    await lab.until(() => b.isListening(PORT));
    for (let i = 0; i < 5; i++) {
      const client = new Program(connect(a, b));
      await lab.until(() => forgotten.length === i + 1 && !client.socket.connecting);
      client.socket.destroy();
    }
    await lab.passes(SECOND);
    lab.say('A day later.');
    await lab.passes(24 * HOUR);
    return {
      server: b.connections.map((connection) => connection.state),
      client: a.connections.map((connection) => connection.state),
    };
  },
};

/** A toy table of descriptors, as a kernel has it: the lowest free number is given out next. */
class DescriptorTable {
  readonly #sockets: (Program | null)[] = [];

  open(program: Program): number {
    const free = this.#sockets.indexOf(null);
    const fd = free < 0 ? this.#sockets.length : free;
    this.#sockets[fd] = program;
    return fd;
  }

  close(fd: number): void {
    this.#sockets[fd]?.socket.destroy();
    this.#sockets[fd] = null;
  }
}

export const doubleClose: Scenario = {
  name: 'double-close',
  claim:
    'Closing the same socket in two places is dangerous: between the two a new socket may get the same number, and the second close hits a connection that is not yours.',
  shows:
    'With descriptors the number 0 is given to the next connection as soon as it is free, so the second close(0) ends a stranger’s connection. With handles the same mistake does nothing: a handle stands for one connection for ever, and closing it twice is the same as closing it once.',
  async run(lab) {
    const a = lab.host('client');
    const b = lab.host('server');
    serve(b, (socket) => socket.resume());
    await lab.until(() => b.isListening(PORT));
    const open = async (): Promise<Program> => {
      const program = new Program(connect(a, b));
      await lab.until(() => !program.socket.connecting);
      return program;
    };
    lab.say('With descriptors: one place closes number 0, a new connection gets number 0 ...');
    const table = new DescriptorTable();
    const mine = table.open(await open());
    table.close(mine);
    const stranger = await open();
    const theirs = table.open(stranger);
    lab.say('... and another place closes number 0 again.');
    table.close(mine);
    await lab.passes(SECOND);
    lab.say('With handles: the same two closes.');
    const first = await open();
    first.socket.destroy();
    const second = await open();
    first.socket.destroy();
    await lab.passes(SECOND);
    return {
      sameNumber: mine === theirs,
      strangerByDescriptor: stranger.closed ? 'closed' : 'open',
      strangerByHandle: second.closed ? 'closed' : 'open',
    };
  },
};

export const closeWithUnreadData: Scenario = {
  name: 'close-with-unread-data',
  claim:
    'close() is asynchronous and usually graceful. The exception: text that has arrived and was never read turns the FIN into a RST.',
  shows:
    'The client has sent what the server’s program never reads. When that calls close(), its TCP must not pretend that the text was taken: it sends a RST at once (RFC 9293 3.6.1, RFC 2525 2.17; Linux does the same), and the client gets ECONNRESET.',
  async run(lab) {
    const a = lab.host('client');
    const b = lab.host('server');
    const accepted: Program['socket'][] = [];
    const options = { allowHalfOpen: true, pauseOnConnect: true };
    b.net.createServer(options, (socket) => accepted.push(socket)).listen(PORT);
    await lab.until(() => b.isListening(PORT));
    const client = new Program(connect(a, b));
    await lab.until(() => accepted.length === 1);
    lab.say('The client sends text, which the server does not read.');
    client.socket.write('never read');
    await lab.passes(SECOND);
    lab.say('The server closes.');
    accepted[0]?.destroy();
    await lab.until(() => client.closed);
    return { clientError: client.error, server: b.connections.length, resets: lab.resets() };
  },
};

export const halfOpen: Scenario = {
  name: 'half-open',
  claim:
    'One side has crashed and forgotten the connection, the other has not: it is half open, and nobody notices until somebody sends.',
  shows:
    'The server’s power fails, and it starts again without a trace of the connection. For hours the client’s stays ESTABLISHED: an idle connection sends nothing, so nothing can go wrong. The first segment is answered by a RST (RFC 9293 3.5.1), and the client learns ECONNRESET.',
  async run(lab) {
    const a = lab.host('client');
    const b = lab.host('server');
    const { client } = await openPair(lab, a, b);
    await lab.passes(SECOND);
    lab.say('The power of the server fails. It starts again.');
    b.crash();
    await lab.passes(60 * SECOND);
    b.reboot();
    lab.say('Five hours pass.');
    await lab.passes(5 * HOUR);
    const meanwhile = a.connections[0]?.state ?? 'none';
    lab.say('The client sends.');
    client.socket.write('are you there?');
    await lab.until(() => client.closed);
    return { meanwhile, error: client.error, resets: lab.resets() };
  },
};
