import { storagePools, virtualNetworks } from '#crds/types.js';
import { decodeNamespace, namespaces } from '../namespaces.js';
import { decoderOf, type Watching, watch } from '../watched.js';
import { type Few, watchFew } from './few.js';

/** From so many hosts on, it is less to see of some kinds what all hosts of the cluster have than to ask for each host of one's own. */
const many = 8;

/** What the objects of every host refer to alike. */
function watchAlike(common: Watching, signal: AbortSignal) {
  return {
    pools: watch({ ...common, resource: storagePools, decode: decoderOf('StoragePool') }, signal),
    networks: watch({ ...common, resource: virtualNetworks, decode: decoderOf('VirtualNetwork') }, signal),
    namespaces: watch({ ...common, resource: namespaces, decode: decodeNamespace }, signal),
  };
}

type Alike = ReturnType<typeof watchAlike>;

/** Watches as long as anybody uses them. Who subscribes does so with its own signal: the stores outlive it. */
class Shared<W> {
  readonly #watch: (signal: AbortSignal) => W;
  #round: { readonly watches: W; readonly end: AbortController; users: number } | undefined;

  constructor(begin: (signal: AbortSignal) => W) {
    this.#watch = begin;
  }

  /** Until the signal. */
  use(signal: AbortSignal): W {
    const end = new AbortController();
    this.#round ??= { watches: this.#watch(end.signal), end, users: 0 };
    const round = this.#round;
    round.users += 1;
    const leave = () => {
      round.users -= 1;
      if (round.users > 0) return;
      round.end.abort();
      if (this.#round === round) this.#round = undefined;
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    return round.watches;
  }

  renew(): void {
    this.#round = undefined;
  }
}

/** Watched once for all hosts of an agent, from the first that asks until none is left that does. */
export class SharedWatches {
  readonly #alike: Shared<Alike>;
  readonly #few: Shared<Few> | undefined;

  /** `hosts`: all that the agent has. */
  constructor(common: Watching, hosts: readonly string[]) {
    this.#alike = new Shared((signal) => watchAlike(common, signal));
    this.#few = hosts.length < many ? undefined : new Shared((signal) => watchFew(common, hosts, signal));
  }

  /** Until the signal. */
  for(signal: AbortSignal): Alike {
    return this.#alike.use(signal);
  }

  /** What the agent's hosts have few of, where they are many; undefined where each watches its own. */
  few(signal: AbortSignal): Few | undefined {
    return this.#few?.use(signal);
  }

  /** Who asks from now on is told nothing from what was remembered before, as after the loss of a cluster. */
  renew(): void {
    this.#alike.renew();
  }
}
