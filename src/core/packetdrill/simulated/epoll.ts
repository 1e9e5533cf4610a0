import { Event } from '../../tcp/tcb.ts';
import { type CallOutcome, done, type EpollEvent, failed } from '../host/calls.ts';
import { EpollBit, EpollControl, Poll } from '../host/numbers.ts';
import { readiness } from './readiness.ts';
import type { SimulatedSocket, Watcher } from './socket.ts';

/** Bits that say how events are told, not which. */
const MODES = EpollBit.ET | EpollBit.ONESHOT | EpollBit.EXCLUSIVE | EpollBit.WAKEUP;
const ALWAYS = Poll.ERR | Poll.HUP;
const READ = Poll.IN | Poll.RDNORM;
const WRITE = Poll.OUT | Poll.WRNORM;

/** A socket that is watched. */
class Item implements Watcher {
  readonly socket: SimulatedSocket;
  events = 0;
  data = 0;
  readonly #onWake: (item: Item) => void;

  constructor(socket: SimulatedSocket, onWake: (item: Item) => void) {
    this.socket = socket;
    this.#onWake = onWake;
  }

  /** Something happened at the socket: bits of {@link Event}. A change of state is news to everybody. */
  onEvents(events: number): void {
    let told = 0;
    if ((events & Event.READABLE) !== 0) told |= READ;
    if ((events & Event.WRITABLE) !== 0) told |= WRITE;
    const isNewState = (events & (Event.OPEN | Event.END | Event.CLOSED)) !== 0;
    if (isNewState || (told & this.events) !== 0) this.#onWake(this);
  }

  onError(): void {
    this.#onWake(this);
  }

  /** What of that which is asked for holds now. */
  get ready(): number {
    return readiness(this.socket) & this.events & ~MODES;
  }
}

/** An epoll instance: a list of those sockets that something happened to, as Linux's eventpoll.c has it. */
export class Epoll {
  readonly #items = new Map<SimulatedSocket, Item>();
  /** In the order in which they became ready. */
  #ready: Item[] = [];

  /** epoll_ctl() */
  control(operation: number, socket: SimulatedSocket, { events, data }: EpollEvent): CallOutcome {
    const known = this.#items.get(socket);
    if (operation === EpollControl.ADD) {
      if (known !== undefined) return failed('EEXIST');
      const item = new Item(socket, (woken) => this.#wake(woken));
      this.#items.set(socket, item);
      socket.watchers.add(item);
      this.#change(item, events, data);
      return done();
    }
    if (known === undefined) return failed('ENOENT');
    if (operation === EpollControl.DEL) this.forget(socket);
    else if (operation === EpollControl.MOD) this.#change(known, events, data);
    else return failed('EINVAL');
    return done();
  }

  /** epoll_wait(); null: nothing has happened. @param most events */
  wait(most: number): CallOutcome | null {
    const told: EpollEvent[] = [];
    const again: Item[] = [];
    while (told.length < most) {
      const item = this.#ready.shift();
      if (item === undefined) break;
      const events = item.ready;
      if (events === 0) continue;
      told.push({ events, data: item.data });
      if ((item.events & EpollBit.ONESHOT) !== 0) item.events &= MODES;
      else if ((item.events & EpollBit.ET) === 0) again.push(item);
    }
    this.#ready.push(...again);
    return told.length === 0 ? null : done(told.length, { kind: 'epoll', events: told });
  }

  /** The socket is closed, or not to be watched any more. */
  forget(socket: SimulatedSocket): void {
    const item = this.#items.get(socket);
    if (item === undefined) return;
    this.#items.delete(socket);
    socket.watchers.delete(item);
    this.#ready = this.#ready.filter((other) => other !== item);
  }

  #change(item: Item, events: number, data: number): void {
    item.events = events | ALWAYS;
    item.data = data;
    if (item.ready !== 0) this.#wake(item);
  }

  #wake(item: Item): void {
    if (!this.#ready.includes(item)) this.#ready.push(item);
  }
}
