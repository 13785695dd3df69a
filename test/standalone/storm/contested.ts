import { type JsonObject, objectAt, textAt } from '#standalone/json.js';
import type { Caller } from '#test/cluster/caller.js';
import type { Ledger } from './ledger.js';

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: JsonObject, resourceVersion = '') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(resourceVersion === '' ? {} : { resourceVersion }) },
  data,
});

/** A number that all writers count up, each only from what it has seen. */
export class Counter {
  readonly #ledger: Ledger;
  #acknowledged = 0;
  #unanswered = 0;
  readonly #numbers = new Set<number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async begin(caller: Caller): Promise<void> {
    await caller.call('POST', configMaps, configMap('counter', { count: '0' }));
  }

  async add(caller: Caller): Promise<void> {
    const { body } = await caller.call('GET', `${configMaps}/counter`);
    const next = countOf(body) + 1;
    const before = this.#ledger.newest;
    this.#unanswered += 1;
    const wanted = configMap('counter', { count: `${next}` }, textAt(objectAt(body, 'metadata'), 'resourceVersion'));
    const { code, body: made } = await caller.call('PUT', `${configMaps}/counter`, wanted);
    this.#unanswered -= 1;
    if (code === 409) return;
    if (code !== 200) return this.#ledger.trouble(`counter: ${code} ${textAt(made, 'message')}`);
    this.#ledger.acknowledged('counter', textAt(objectAt(made, 'metadata'), 'resourceVersion'), before);
    if (this.#numbers.has(next)) this.#ledger.trouble(`counter: ${next} was counted twice`);
    this.#numbers.add(next);
    this.#acknowledged = Math.max(this.#acknowledged, next);
  }

  async check(caller: Caller): Promise<void> {
    const count = countOf((await caller.call('GET', `${configMaps}/counter`)).body);
    const most = this.#acknowledged + this.#unanswered;
    if (count < this.#acknowledged || count > most)
      this.#ledger.trouble(`counter: ${count} is there; acknowledged were ${this.#acknowledged}, asked for at most ${most}`);
    this.#acknowledged = count;
    this.#unanswered = 0;
  }
}

const countOf = (object: JsonObject): number => Number(objectAt(object, 'data')['count']);

/** A name that many want at once, and one gets. */
export class Race {
  readonly #ledger: Ledger;
  readonly #name: string;
  readonly #winners: string[] = [];

  constructor(ledger: Ledger, name: string) {
    this.#ledger = ledger;
    this.#name = name;
  }

  async run(caller: Caller): Promise<void> {
    const { code, body } = await caller.call('POST', configMaps, configMap(this.#name, {}));
    if (code === 201) this.#winners.push(textAt(objectAt(body, 'metadata'), 'uid'));
    else if (code !== 409) this.#ledger.trouble(`${this.#name}: ${code} ${textAt(body, 'message')}`);
  }

  async check(caller: Caller): Promise<void> {
    const { code, body } = await caller.call('GET', `${configMaps}/${this.#name}`);
    const uid = textAt(objectAt(body, 'metadata'), 'uid');
    const [winner] = this.#winners;
    if (this.#winners.length > 1) this.#ledger.trouble(`${this.#name} was made ${this.#winners.length} times`);
    if (winner !== undefined && (code !== 200 || uid !== winner)) this.#ledger.trouble(`${this.#name}: ${code} ${uid}, made was ${winner}`);
    if (code === 200) await caller.call('DELETE', `${configMaps}/${this.#name}`);
  }
}
