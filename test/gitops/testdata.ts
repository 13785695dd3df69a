import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dump, load } from 'js-yaml';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import type { Verdict } from '#test/peers/judge.js';

// Tests of the health script, laid out as Argo CD has them for each of its own: its test would run them as they are.

/** Seen from `dist/test/gitops/`. */
export const scriptFolder = new URL('../../../docs/argocd/virtwright.io/_/', import.meta.url);

export interface HealthTest {
  readonly healthStatus: NonNullable<Verdict['health']>;
  /** From the script's folder on. */
  readonly inputPath: string;
}

export const readHealthTests = (): readonly HealthTest[] =>
  (load(readFileSync(new URL('health_test.yaml', scriptFolder), 'utf8')) as { readonly tests: readonly HealthTest[] }).tests;

export const readObject = (inputPath: string): object => load(readFileSync(new URL(inputPath, scriptFolder), 'utf8')) as object;

export interface Seen {
  /** As `VirtualMachine waiting for its disk`. */
  readonly title: string;
  readonly object: KubernetesObject;
  readonly verdict: Verdict;
}

const style = { lineWidth: 140, quotingType: '"' } as const;

/** Of what was seen, one of each kind for each health, and of machines all. */
export function writeHealthTests(all: readonly Seen[]): void {
  const isFirst = ({ object, verdict }: Seen, at: number) =>
    object.kind === 'VirtualMachine' ||
    all.findIndex((other) => other.object.kind === object.kind && other.verdict.health?.status === verdict.health?.status) === at;
  const folder = new URL('testdata/', scriptFolder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const tests = all.filter(isFirst).map(({ title, object, verdict: { health } }) => {
    const inputPath = `testdata/${title.toLowerCase().replaceAll(/[^a-z]+/g, '_')}.yaml`;
    const { apiVersion, kind, metadata, ...rest } = object;
    writeFileSync(new URL(inputPath, scriptFolder), dump({ apiVersion, kind, metadata, ...rest }, { ...style, noRefs: true }));
    return { healthStatus: health, inputPath };
  });
  writeFileSync(new URL('health_test.yaml', scriptFolder), dump({ tests }, style));
}
