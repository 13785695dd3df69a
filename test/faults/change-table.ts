import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { discover } from '#cli/server/discovery.js';
import { byServer } from '#controllers/by-server.js';
import type { Outcome } from '#controllers/foresight/outcome.js';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { foretell } from '#controllers/server-plan/foretell.js';
import { type ChangeClass, usuallyAllowed } from '#controllers/virtual-machine/classes.js';
import type { VirtualMachine } from '#crds/types.js';
import { driverFields } from '#test/capabilities/fields.js';
import type { World } from '#test/cluster/world.js';
import { isReady } from './lab.js';

export type Spec = Readonly<Record<string, unknown>>;

/** A change to a machine, alone, and what is promised of it. */
export interface Change {
  /** What it changes, as the API has it: `disks[].cache`. */
  readonly fields: readonly string[];
  /** Where status and plans tell of it: `spec.disks[data]`. */
  readonly told: string;
  readonly class: ChangeClass;
  /** Takes the place of what the spec has said of the same. */
  readonly spec: Spec;
  /** What the host's own tool shows of the running machine once it has this, and not before. */
  readonly shows?: RegExp;
}

/** A machine on a real host, and eyes on it that are not ours. */
export interface Peer {
  readonly world: World;
  /** The operator's own. */
  readonly namespace?: string;
  readonly hypervisor: string;
  readonly name: string;
  readonly machine: (spec: Spec) => object;
  /** What its host calls this run of it. */
  readonly run: () => Promise<unknown>;
  /** What its host's own tool shows of it while it runs. */
  readonly shown: () => Promise<string>;
  readonly timeoutMs?: number;
}

const withRestart = { updatePolicy: { allow: [...usuallyAllowed, 'Restart'] } };
const withRecreate = { updatePolicy: { allow: [...usuallyAllowed, 'Restart', 'Recreate'] } };
const atOnce: ReadonlySet<ChangeClass> = new Set(['Live', 'Hotplug']);
/** These never get as far as the definition. */
const refused: ReadonlySet<ChangeClass> = new Set(['Recreate', 'Impossible']);
/** A plan that has one of these ends the run of the machine. */
const endings: ReadonlySet<string> = new Set(['Cut', 'Press', 'Recreate']);

const pendingOf = ({ status }: VirtualMachine) => status?.pendingChanges ?? [];
const isCurrent = ({ metadata, status }: VirtualMachine): boolean => status?.observedGeneration === metadata.generation;

/** Makes each change of a table to one machine, and compares what was said of it before with what becomes of the machine. */
export class ChangeTable {
  readonly #t: Test;
  readonly #peer: Peer;
  readonly #plan: (manifest: object) => Promise<Outcome>;
  #spec: Spec;
  #restarts = 0;
  /** What only the next start shows. */
  #later: readonly Change[] = [];

  private constructor(t: Test, peer: Peer, plan: (manifest: object) => Promise<Outcome>, spec: Spec) {
    this.#t = t;
    this.#peer = peer;
    this.#plan = plan;
    this.#spec = spec;
  }

  /** The machine runs as told before the first change, if need be after a restart. */
  static async try(t: Test, peer: Peer, spec: Spec, changes: readonly Change[]): Promise<void> {
    await using planner = await plannerOf(peer);
    const table = new ChangeTable(t, peer, planner.plan, spec);
    const first = await table.#applied({ ...spec, ...withRestart }, (seen) => isReady(seen) && pendingOf(seen).length === 0);
    for (const change of changes) await table.#try(change);
    const last = await table.#applied({ ...table.#spec, ...withRestart }, isReady);
    const boots = [first, last].map(({ status }) => Number(status?.run?.bootId ?? 0));
    t.equal((boots[1] ?? 0) - (boots[0] ?? 0), table.#restarts, 'it was restarted as often as its changes said');
  }

  async #try(change: Change): Promise<void> {
    const { told, shows } = change;
    const t = this.#t;
    const words = `${told} (${change.fields.join(', ')})`;
    const spec = { ...this.#spec, ...change.spec };
    const before = await this.#look();
    if (shows !== undefined) t.notMatch(before.shown, shows, `${words}: it is not so yet`);

    const planned = await this.#plan(this.#peer.machine(spec));
    t.equal(classIn(planned, told), change.class, `${words}: what the plan says it takes`, { planned });
    t.notOk(ends(planned), `${words}: nor does a plan restart it without a word`);
    const usual = await this.#applied(spec, (seen) => isSettled(seen, change));
    const pending = pendingOf(usual).find(({ field }) => field === told)?.class;
    t.equal(pending, atOnce.has(change.class) ? undefined : change.class, `${words}: what is told of it`);
    const kept = await this.#shown(atOnce.has(change.class) ? shows : undefined);
    t.same(kept.run, before.run, `${words}: nobody allowed a restart`);
    if (shows !== undefined)
      t.equal(shows.test(kept.shown), atOnce.has(change.class), `${words}: what the host has then`, { shown: kept.shown });
    if (refused.has(change.class)) return change.class === 'Recreate' ? this.#anew(spec, change) : this.#refused(spec, change);
    await this.#withRestart(spec, change, before.run);
    this.#spec = spec;
  }

  async #withRestart(spec: Spec, change: Change, run: unknown): Promise<void> {
    const { told, shows } = change;
    const t = this.#t;
    const restarts = change.class === 'Restart';
    const allowed = { ...spec, ...withRestart };
    t.equal(ends(await this.#plan(this.#peer.machine(allowed))), restarts, `${told}: whether the plan restarts it by this word`);
    await this.#applied(allowed, (seen) => isReady(seen) && pendingOf(seen).every((one) => one.class === 'NextBoot'));
    const after = await this.#look();
    t.equal(after.run !== run, restarts, `${told}: ${restarts ? 'restarted' : 'left running'}`);
    if (change.class === 'NextBoot') this.#later = [...this.#later.filter((one) => one.told !== told), change];
    else if (shows !== undefined) t.match(after.shown, shows, `${told}: what the host has in the end`);
    if (!restarts) return;
    this.#restarts += 1;
    for (const late of this.#later) if (late.shows !== undefined) t.match(after.shown, late.shows, `${late.told}: since the next start`);
    this.#later = [];
  }

  /** Also where everything is allowed. */
  async #refused(spec: Spec, change: Change): Promise<void> {
    const { run } = await this.#look();
    await this.#applied({ ...spec, ...withRecreate }, (seen) => isSettled(seen, change));
    this.#t.same((await this.#look()).run, run, `${change.told}: refused, whatever is allowed`);
    await this.#applied(this.#spec, isReady);
  }

  async #anew(spec: Spec, change: Change): Promise<void> {
    const t = this.#t;
    const { run } = await this.#look();
    await this.#applied({ ...spec, ...withRestart }, (seen) => isSettled(seen, change));
    t.same((await this.#look()).run, run, `${change.told}: a restart is not enough`);
    const allowed = { ...spec, ...withRecreate };
    t.ok(ends(await this.#plan(this.#peer.machine(allowed))), `${change.told}: the plan has it made anew`);
    const anew = await this.#applied(allowed, (seen) => isReady(seen) && pendingOf(seen).length === 0);
    t.not((await this.#look()).run, run, `${change.told}: made anew`);
    if (change.shows !== undefined) t.match((await this.#look()).shown, change.shows);
    t.equal(anew.status?.power?.state, 'Running');
    this.#restarts += 1;
    this.#spec = spec;
  }

  /** Once the host shows it: a Secret that is newly named has its way to the host. Gives what it shows at last, be it something else. */
  async #shown(shows: RegExp | undefined) {
    const end = Date.now() + (this.#peer.timeoutMs ?? 120_000);
    for (;;) {
      const seen = await this.#look();
      if (shows === undefined || shows.test(seen.shown) || Date.now() > end) return seen;
      await sleep(100);
    }
  }

  async #look(): Promise<{ readonly run: unknown; readonly shown: string }> {
    return { run: await this.#peer.run(), shown: await this.#peer.shown() };
  }

  async #applied(spec: Spec, isSo: (seen: VirtualMachine) => boolean): Promise<VirtualMachine> {
    const { world, name, machine, timeoutMs = 120_000 } = this.#peer;
    await world.apply(machine(spec));
    const generation = (await world.get('VirtualMachine', name))?.metadata.generation ?? 0;
    const isDone = (seen: VirtualMachine) =>
      (seen.metadata.generation ?? 0) >= generation && isCurrent(seen) && seen.status?.power?.state === 'Running' && isSo(seen);
    return world.until('VirtualMachine', name, isDone, { timeoutMs });
  }
}

/** Nothing is left that comes about by itself; what is refused is told of. */
const isSettled = (seen: VirtualMachine, change: Change): boolean =>
  refused.has(change.class)
    ? pendingOf(seen).some(({ field }) => field === change.told)
    : isReady(seen) && !pendingOf(seen).some((one) => atOnce.has(one.class));

const classIn = ({ steps, waits }: Outcome, told: string): string | undefined =>
  steps.flatMap(({ changes = [] }) => changes).find(({ field }) => field === told)?.class ??
  waits.find(({ field }) => field === told)?.reason;

const ends = ({ steps }: Outcome): boolean => steps.some(({ kind, action }) => kind === 'VirtualMachine' && endings.has(action));

/** As the program asks a server for a plan. */
async function plannerOf({ world, namespace = 'default' }: Peer) {
  const client = createClient(await loadKubeConfig(world.cluster.kubeconfigPath), { fieldManager: 'kubectl' });
  const discovery = await discover(client, AbortSignal.timeout(60_000));
  const end = () => client[Symbol.asyncDispose]();
  const api = { client, namespace: 'default', discovery: async () => discovery, [Symbol.asyncDispose]: async () => {} };
  const telling = { ...byServer(api, true), operatorNamespace: namespace, onNote: () => {} };
  const plan = (manifest: object) =>
    foretell(
      [{ apiVersion: 'virtwright.io/v1alpha1', ...manifest } as Parameters<typeof foretell>[0][number]],
      telling,
      AbortSignal.timeout(120_000),
    );
  return { plan, [Symbol.asyncDispose]: end };
}

/** What a volume is made with, once. */
const ofVolumes = ['disks[].volumeTemplate.format', 'disks[].volumeTemplate.source.clone'];

/** Each field that the host takes stands in its table, or here with why it does not. */
export async function checkWhole(
  t: Test,
  { world, hypervisor }: Peer,
  changes: readonly Change[],
  excused: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { status } = (await world.get('Hypervisor', hypervisor)) ?? {};
  const taken = new Set((status?.capabilities ?? []).filter(({ values }) => values?.length !== 0).map(({ field }) => field));
  const fields = driverFields.flatMap(({ field, capability }) =>
    field.startsWith('VirtualMachine ') && taken.has(capability) ? [field.replace('VirtualMachine ', '')] : [],
  );
  const tried = new Set([...changes.flatMap((change) => change.fields), ...ofVolumes, ...Object.keys(excused)]);
  t.ok(fields.length > 0);
  t.same(
    fields.filter((field) => !tried.has(field)),
    [],
    'each field that the host takes is tried',
  );
}
