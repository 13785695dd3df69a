import { gaveUp, onAbort, throwIfAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Procedure } from './procedure.js';
import type { Session } from './session.js';

/** A daemon takes five requests of a client at a time by default, and then stops reading. */
const maxOutstanding = 4;

const answeredAll = new DriverError('Unavailable', 'the socket was set aside, and has no more calls');

export interface LaneOptions {
  readonly name: string;
  /** How long the daemon may take to answer, unless a call says otherwise. */
  readonly timeoutMs: number;
  /** How many sockets may wait for answers that are past their time. */
  readonly maxSetAside: number;
  readonly open: () => Promise<Session>;
}

export interface LaneCall {
  readonly timeoutMs?: number;
  readonly key?: string;
}

/** A socket with its calls. `overdue` are those past their time and still not answered. */
interface Place {
  readonly session: Promise<Session>;
  /** The session, once it is open. */
  opened: Session | undefined;
  outstanding: number;
  overdue: number;
}

/** One call's hold on its key, from when it is sent until the daemon has answered it. */
interface Ticket {
  readonly key: string | undefined;
  givenUp: boolean;
}

interface Waiting {
  readonly ticket: Ticket;
  readonly take: (place: Place) => void;
  readonly refuse: (error: DriverError) => void;
}

/**
 * Calls in the order they were made, at most four of them with the daemon at a time. A socket with a call past its time is set aside:
 * it takes no new calls and is closed once all it has are answered, and the next call opens a fresh one.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #queue: Waiting[] = [];
  readonly #setAside = new Set<Place>();
  /** Of the calls that the daemon has not answered, by key. */
  readonly #tickets = new Map<string, Ticket>();
  #current: Place | undefined;
  #ended: DriverError | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  async call<Args, Result>(procedure: Procedure<Args, Result>, args: Args, options: LaneCall, signal: AbortSignal): Promise<Result> {
    throwIfAborted(signal);
    const ticket: Ticket = { key: options.key, givenUp: false };
    const place = this.#atOnce(ticket) ?? (await this.#turn(ticket, signal));
    const clock = new Clock(options.timeoutMs ?? this.#options.timeoutMs, procedure.name, () => this.#late(place));
    const ask = (session: Session) => {
      if (signal.aborted) return Promise.reject(gaveUp(signal));
      clock.start();
      return session.call(procedure, args);
    };
    const answer = place.opened === undefined ? place.session.then(ask) : ask(place.opened);
    const answered = () => this.#answered(place, clock.stop(), ticket);
    answer.then(answered, answered);
    try {
      return await inTime(answer, clock, signal);
    } finally {
      ticket.givenUp = true;
      this.#pump();
    }
  }

  /** Refuses whatever waits or comes, and drops the sockets; what is pending on them rejects with the error. */
  end(error: DriverError): void {
    this.#ended = error;
    const places = [...this.#setAside, ...(this.#current === undefined ? [] : [this.#current])];
    for (const place of places) drop(place, error);
    this.#pump();
  }

  /** A place for whoever finds nobody waiting, and room. */
  #atOnce(ticket: Ticket): Place | undefined {
    if (this.#queue.length > 0) return undefined;
    const turn = this.#turnOf(ticket);
    if (turn instanceof DriverError) throw turn;
    return typeof turn === 'string' ? undefined : this.#taken(turn, ticket);
  }

  #turn(ticket: Ticket, signal: AbortSignal): Promise<Place> {
    return new Promise((resolve, reject) => {
      const stay = <T>(act: (value: T) => void) => {
        return (value: T) => {
          stopListening();
          act(value);
        };
      };
      const waiting: Waiting = { ticket, take: stay(resolve), refuse: stay(reject) };
      const stopListening = onAbort(signal, () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(gaveUp(signal));
      });
      this.#queue.push(waiting);
      this.#pump();
    });
  }

  /** Lets in whoever can be let in. To be called after every change. */
  #pump(): void {
    for (let position = 0; position < this.#queue.length; ) {
      const waiting = this.#queue[position] as Waiting;
      const turn = this.#turnOf(waiting.ticket);
      if (turn === 'full') return;
      if (turn === 'later') position += 1;
      else this.#admit(position, waiting, turn);
    }
  }

  #admit(position: number, waiting: Waiting, turn: Place | DriverError): void {
    if (position === 0) this.#queue.shift();
    else this.#queue.splice(position, 1);
    if (turn instanceof DriverError) waiting.refuse(turn);
    else waiting.take(this.#taken(turn, waiting.ticket));
  }

  #taken(place: Place, ticket: Ticket): Place {
    place.outstanding += 1;
    if (ticket.key !== undefined) this.#tickets.set(ticket.key, ticket);
    return place;
  }

  #turnOf({ key }: Ticket): Place | DriverError | 'later' | 'full' {
    if (this.#ended !== undefined) return this.#ended;
    const earlier = key === undefined ? undefined : this.#tickets.get(key);
    if (earlier?.givenUp === true) return new DriverError('Busy', `the host has not answered an earlier call about ${key} yet`);
    if (earlier !== undefined) return 'later';
    const place = this.#placeForNext();
    if (place.outstanding < maxOutstanding) return place;
    if (place.overdue < maxOutstanding) return 'full';
    return new DriverError('Busy', `the host does not answer: ${this.#options.name} calls fill ${this.#setAside.size + 1} connections`);
  }

  #placeForNext(): Place {
    if (this.#current !== undefined && this.#current.overdue > 0 && this.#setAside.size < this.#options.maxSetAside) {
      this.#setAside.add(this.#current);
      this.#current = undefined;
    }
    this.#current ??= this.#placeAt(this.#options.open());
    return this.#current;
  }

  #placeAt(session: Promise<Session>): Place {
    const place: Place = { session, opened: undefined, outstanding: 0, overdue: 0 };
    const gone = () => this.#forget(place);
    session.then((opened) => {
      place.opened = opened;
      opened.closed.then(gone);
    }, gone);
    return place;
  }

  #forget(place: Place): void {
    this.#setAside.delete(place);
    if (this.#current === place) this.#current = undefined;
    this.#pump();
  }

  #late(place: Place): void {
    place.overdue += 1;
    this.#pump();
  }

  #answered(place: Place, late: boolean, { key }: Ticket): void {
    place.outstanding -= 1;
    if (late) place.overdue -= 1;
    if (key !== undefined) this.#tickets.delete(key);
    if (place.outstanding === 0 && this.#setAside.delete(place)) drop(place, answeredAll);
    this.#pump();
  }
}

function drop({ session }: Place, error: DriverError): void {
  // One that could not be opened has told so to its calls.
  session.then((open) => open.end(error)).catch(() => {});
}

/** The answer, or what ended the waiting for it: the caller's signal, or the time. The call itself goes on. */
function inTime<T>(answer: Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(gaveUp(signal)));
    const fail = (reason: unknown) => {
      stopListening();
      reject(reason);
    };
    clock.onLate = fail;
    answer.then((value) => {
      stopListening();
      resolve(value);
    }, fail);
  });
}

/** Tells that a call is past its time: once to whoever waits, and once to the lane. */
class Clock {
  onLate: (error: DriverError) => void = () => {};
  isLate = false;
  readonly #timeoutMs: number;
  readonly #what: string;
  readonly #tell: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, what: string, tell: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#what = what;
    this.#tell = tell;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.isLate = true;
      this.onLate(new DriverError('TimedOut', `${this.#what}: no answer from the host within ${this.#timeoutMs / 1000} s`));
      this.#tell();
    }, this.#timeoutMs);
  }

  /** Whether it was late. */
  stop(): boolean {
    clearTimeout(this.#timer);
    return this.isLate;
  }
}
