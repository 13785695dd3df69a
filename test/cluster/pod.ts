import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApiServer } from './api-server.js';
import { endChild, startChild } from './process.js';

/** The part of a pod's template that our chart uses. */
export interface PodSpec {
  readonly serviceAccountName: string;
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly containers: readonly [Container];
  readonly volumes?: readonly { readonly name: string; readonly hostPath: { readonly path: string } }[];
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } } }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Place {
  readonly namespace: string;
  readonly node: string;
  /** In place of all addresses: pods have one each. */
  readonly ip: string;
}

/** As a node's kubelet starts it: in /run what Kubernetes and the mounts put there, the account's user, no capability, nothing of our environment. */
const kubelet = `
set -e
for mount in "\${@:5:$4}"; do mount --rbind "\${mount%%=*}" "$1\${mount#*=}"; done
mount --rbind "$1/run" /run
exec setpriv --reuid "$2" --regid "$3" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs --pdeathsig KILL -- "\${@:$((5 + $4))}"
`;

const main = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));

/** One container as a process of this machine, which knows of the cluster only what a pod knows. The image's ENTRYPOINT is our program. */
export class Pod {
  readonly ip: string;
  readonly log: string;
  readonly #child: ChildProcess;

  private constructor(ip: string, log: string, child: ChildProcess) {
    this.ip = ip;
    this.log = log;
    this.#child = child;
  }

  static async start(cluster: ApiServer, name: string, spec: PodSpec, place: Place): Promise<Pod> {
    const folder = await mkdtemp(cluster.folder.concat('/pod-'));
    const { serviceAccountName: account, containers, securityContext, volumes = [] } = spec;
    const [{ args, env, volumeMounts = [] }] = containers;
    await bind(cluster, name, spec, place);
    await writeAccount(cluster, join(folder, 'run/secrets/kubernetes.io/serviceaccount'), {
      account,
      pod: name,
      namespace: place.namespace,
    });
    const mounts = volumeMounts.map((mount) => `${volumes.find((one) => one.name === mount.name)?.hostPath.path}=${mount.mountPath}`);
    for (const { mountPath } of volumeMounts) await mkdir(join(folder, mountPath), { recursive: true });
    const fields = { 'metadata.name': name, 'metadata.namespace': place.namespace, 'spec.nodeName': place.node, 'status.podIP': place.ip };
    const told = new Map(env.map((one) => [one.name, fields[one.valueFrom.fieldRef.fieldPath as keyof typeof fields]]));
    const words = args.map((arg) =>
      arg.replaceAll(/\$\((\w+)\)/g, (_, known: string) => told.get(known) ?? '?').replace('0.0.0.0', place.ip),
    );
    const server = new URL(cluster.url);
    const environment = ['HOME=/', `KUBERNETES_SERVICE_HOST=${server.hostname}`, `KUBERNETES_SERVICE_PORT=${server.port}`];
    const log = join(folder, 'log');
    const ran = ['env', '-i', ...environment, ...[...told].map((pair) => pair.join('=')), process.execPath, main, ...words];
    const user = [`${securityContext.runAsUser}`, `${securityContext.runAsGroup}`];
    const child = startChild(
      'unshare',
      ['--mount', '--propagation', 'private', 'bash', '-c', kubelet, 'kubelet', folder, ...user, `${mounts.length}`, ...mounts, ...ran],
      log,
    );
    return new Pod(place.ip, log, child);
  }

  /** Whether the probe at this path of the metrics port is answered with success. */
  async answers(path: string, port: number): Promise<boolean> {
    return fetch(`http://${this.ip}:${port}${path}`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  said(): Promise<string> {
    return readFile(this.log, 'utf8');
  }

  stop(): Promise<void> {
    return endChild(this.#child, 'SIGTERM');
  }

  kill9(): Promise<void> {
    return endChild(this.#child, 'SIGKILL');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** The object, as controllers and the scheduler make it: a token says which pod has it, and on which node that is. */
async function bind(cluster: ApiServer, name: string, spec: PodSpec, { namespace, node }: Place): Promise<void> {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { ...spec, nodeName: node } };
  const { code, stderr } = await cluster.kubectl('create', '-f', '-', { input: JSON.stringify(pod) });
  if (code !== 0) throw new Error(`no pod ${name}: ${stderr}`);
}

interface Account {
  readonly account: string;
  readonly pod: string;
  readonly namespace: string;
}

/** What every pod finds: a token of its account, for an hour, and whom to trust. */
async function writeAccount(cluster: ApiServer, folder: string, { account, pod, namespace }: Account): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', pod];
  const { code, stdout, stderr } = await cluster.kubectl('create', 'token', account, '-n', namespace, '--duration', '1h', ...bound);
  if (code !== 0) throw new Error(`no token for ${account}: ${stderr}`);
  await writeFile(join(folder, 'token'), stdout.trim());
  await writeFile(join(folder, 'namespace'), namespace);
  await writeFile(join(folder, 'ca.crt'), await readFile(join(cluster.folder, 'ca.crt')));
}
