import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machines, namespace, volumes } from './manifests.js';
import { type Contender, now, type Round, sumOf } from './measure.js';
import { run } from './run.js';
import { type Sighting, Watch } from './watch.js';

/** As seen from `dist/bench/apply-to-ready/`. */
const program = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));

export interface OursOptions {
  readonly connect: string;
  readonly count: number;
  /** The folder of the guest's `vmlinuz` and `initrd`. */
  readonly guest: string;
  /** The words of the guest's `cmdline`. */
  readonly commandLine: string;
  /** Where the agent tells its metrics; its calls are not counted without. */
  readonly metrics: string | undefined;
  /** Where the native definitions of the last round are left. */
  readonly definitions: string;
}

/** Objects applied to a running Virtwright: the API server of $KUBECONFIG, with the CRDs, an agent and a default pool. */
export class Ours implements Contender {
  readonly name = 'virtwright';
  readonly #options: OursOptions;

  constructor(options: OursOptions) {
    this.#options = options;
  }

  /** What all rounds share, which no round should pay for: the namespace and the volumes of kernel and initrd. */
  async prepare(): Promise<void> {
    await kubectl(['apply', '--server-side', '--filename=-'], volumes());
    for (const [volume, file] of [
      ['kernel', 'vmlinuz'],
      ['initrd', 'initrd'],
    ] as const)
      await this.#upload(volume, file);
    await kubectl(['wait', 'storagevolumes', '--all', '--for=condition=Ready', '--timeout=300s', `--namespace=${namespace}`]);
  }

  /** Unless an earlier bench has left it there. */
  async #upload(volume: string, file: string): Promise<void> {
    const reason = '{.status.conditions[?(@.type=="Ready")].reason}';
    const of = ['storagevolume', volume, `--namespace=${namespace}`];
    await kubectl(['wait', ...of, `--for=jsonpath={.status.hypervisor}`, '--timeout=300s']);
    await kubectl(['wait', ...of, '--for=jsonpath={.status.conditions}', '--timeout=300s']);
    const is = await kubectl(['get', ...of, `--output=jsonpath=${reason}`]);
    if (is !== 'Ready') await run(process.execPath, [program, 'upload', join(this.#options.guest, file), volume, '--namespace', namespace]);
  }

  async round(): Promise<Round> {
    const { connect, count, commandLine } = this.#options;
    await using watch = await Watch.begin(connect, count);
    const before = await this.#counters();
    const begun = now();
    await kubectl(['apply', '--server-side', '--filename=-'], machines(count, commandLine));
    const seen = await watch.all();
    await kubectl(['wait', 'virtualmachines', '--all', '--for=condition=Ready', '--timeout=300s', `--namespace=${namespace}`]);
    const after = await this.#counters();
    await this.#keepDefinitions(seen);
    await kubectl(['delete', 'virtualmachines', '--all', '--wait', '--timeout=300s', `--namespace=${namespace}`]);
    return asRound(seen, begun, difference(before, after));
  }

  /** The namespace stays: an API server without a controller-manager never finishes deleting one, and takes nothing new into it. */
  async remove(): Promise<void> {
    await kubectl(['delete', 'virtualmachines,storagevolumes', '--all', '--wait', '--timeout=300s', `--namespace=${namespace}`]);
  }

  async #counters(): Promise<Record<string, number>> {
    const writes = { resource: /^virtualmachines$/, code: /^2/, verb: /^(PUT|PATCH|APPLY|POST|DELETE)$/ };
    const { metrics } = this.#options;
    const told = await kubectl(['get', '--raw', '/metrics']).catch(() => undefined); // an API server of our own has none
    return {
      ...(told !== undefined && {
        statusWrites: sumOf(told, 'apiserver_request_total', { ...writes, subresource: /^status$/ }),
        otherWrites: sumOf(told, 'apiserver_request_total', { ...writes, subresource: /^$/ }),
      }),
      ...(metrics !== undefined && {
        hypervisorCalls: sumOf(await (await fetch(metrics)).text(), 'virtwright_driver_call_duration_seconds_count'),
      }),
    };
  }

  /** The other contenders start the very same machines. */
  async #keepDefinitions(seen: readonly Sighting[]): Promise<void> {
    const { connect, definitions } = this.#options;
    await mkdir(definitions, { recursive: true });
    for (const old of await readdir(definitions)) await rm(join(definitions, old));
    for (const { uuid } of seen) {
      const xml = await run('virsh', ['--connect', connect, 'dumpxml', '--inactive', '--security-info', uuid]);
      await writeFile(join(definitions, `${uuid}.xml`), xml);
    }
  }
}

function kubectl(args: readonly string[], manifest?: object): Promise<string> {
  return run('kubectl', args, manifest === undefined ? '' : JSON.stringify(manifest));
}

function asRound(seen: readonly Sighting[], begun: number, counts: Record<string, number>): Round {
  const times = seen.map(({ uuid, started, ready }) => ({ uuid, started: started - begun, ready: ready - begun }));
  return { wall: Math.max(...times.map(({ ready }) => ready)), machines: times, counts };
}

function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}
