import { DriverError } from '#drivers/error.js';
import { onAbort, throwIfAborted, unlessAborted } from './deadline.js';
import type { Procedure } from './procedure.js';
import type { Session } from './session.js';

/** A daemon takes five requests of a client at a time, and then stops reading, keepalive included; one fewer keeps the socket alive. */
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
  outstanding: number;
  overdue: number;
}

interface Waiting {
  readonly key: string | undefined;
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
  /** Keys with a call that the daemon has not answered, and whether its caller still waits. */
  readonly #keys = new Map<string, 'awaited' | 'given up'>();
  #current: Place | undefined;
  #ended: DriverError | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  async call<Args, Result>(procedure: Procedure<Args, Result>, args: Args, options: LaneCall, signal: AbortSignal): Promise<Result> {
    throwIfAborted(signal);
    const place = await this.#turn(options.key, signal);
    const clock = new Clock(options.timeoutMs ?? this.#options.timeoutMs, procedure.name, () => this.#late(place));
    const answer = place.session.then((session) => {
      clock.start();
      return session.call(procedure, args);
    });
    const answered = () => this.#answered(place, clock.stop(), options.key);
    answer.then(answered, answered);
    try {
      return await unlessAborted(unlessAborted(answer, clock.signal), signal);
    } finally {
      this.#letGo(options.key);
    }
  }

  /** Refuses whatever waits or comes, and drops the sockets; what is pending on them rejects with the error. */
  end(error: DriverError): void {
    this.#ended = error;
    const places = [...this.#setAside, ...(this.#current === undefined ? [] : [this.#current])];
    for (const place of places) drop(place, error);
    this.#pump();
  }

  #turn(key: string | undefined, signal: AbortSignal): Promise<Place> {
    return new Promise((resolve, reject) => {
      const stay = <T>(act: (value: T) => void) => {
        return (value: T) => {
          stopListening();
          act(value);
        };
      };
      const waiting = { key, take: stay(resolve), refuse: stay(reject) };
      const stopListening = onAbort(signal, () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(DriverError.from(signal.reason));
      });
      this.#queue.push(waiting);
      this.#pump();
    });
  }

  /** Lets in whoever can be let in. To be called after every change. */
  #pump(): void {
    for (let position = 0; position < this.#queue.length; ) {
      const waiting = this.#queue[position] as Waiting;
      const turn = this.#turnOf(waiting);
      if (turn === 'full') return;
      if (turn === 'later') position += 1;
      else this.#admit(position, waiting, turn);
    }
  }

  #admit(position: number, waiting: Waiting, turn: Place | DriverError): void {
    this.#queue.splice(position, 1);
    if (turn instanceof DriverError) waiting.refuse(turn);
    else this.#letIn(waiting, turn);
  }

  #letIn(waiting: Waiting, place: Place): void {
    place.outstanding += 1;
    if (waiting.key !== undefined) this.#keys.set(waiting.key, 'awaited');
    waiting.take(place);
  }

  #turnOf({ key }: Waiting): Place | DriverError | 'later' | 'full' {
    if (this.#ended !== undefined) return this.#ended;
    const earlier = key === undefined ? undefined : this.#keys.get(key);
    if (earlier === 'given up') return new DriverError('Busy', `the host has not answered an earlier call about ${key} yet`);
    if (earlier === 'awaited') return 'later';
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
    const place: Place = { session, outstanding: 0, overdue: 0 };
    const gone = () => this.#forget(place);
    session.then(({ closed }) => closed.then(gone), gone);
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

  #answered(place: Place, late: boolean, key: string | undefined): void {
    place.outstanding -= 1;
    if (late) place.overdue -= 1;
    if (key !== undefined) this.#keys.delete(key);
    if (place.outstanding === 0 && this.#setAside.delete(place)) drop(place, answeredAll);
    this.#pump();
  }

  #letGo(key: string | undefined): void {
    if (key === undefined || !this.#keys.has(key)) return;
    this.#keys.set(key, 'given up');
    this.#pump();
  }
}

function drop({ session }: Place, error: DriverError): void {
  // One that could not be opened has told so to its calls.
  session.then((open) => open.end(error)).catch(() => {});
}

/** Tells that a call is past its time: once to whoever waits, by its signal, and once to the lane. */
class Clock {
  readonly #late = new AbortController();
  readonly #timeoutMs: number;
  readonly #what: string;
  readonly #onLate: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, what: string, onLate: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#what = what;
    this.#onLate = onLate;
  }

  get signal(): AbortSignal {
    return this.#late.signal;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#late.abort(new DriverError('TimedOut', `${this.#what}: no answer from the host within ${this.#timeoutMs / 1000} s`));
      this.#onLate();
    }, this.#timeoutMs);
  }

  /** Whether it was late. */
  stop(): boolean {
    clearTimeout(this.#timer);
    return this.#late.signal.aborted;
  }
}
