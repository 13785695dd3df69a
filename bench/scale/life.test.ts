import t from 'tap';
import { useCluster } from '#test/cluster/api-server.js';
import { sum } from './counters.js';
import type { Part } from './figures.js';
import { installCrds } from './install.js';
import { live } from './life.js';
import { sizes } from './sizes.js';

/** The bench in its smallest size, for what it counts: the times that it took are not looked at. */
const cluster = await useCluster(t, { kind: 'kube-apiserver' });
await installCrds(cluster);
const { smoke } = sizes;
const parts = await live({ server: cluster, size: smoke, say: (text) => t.comment(text) });
function part(name: string): Part {
  const found = parts.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no part "${name}"`);
  return found;
}

await t.test('a machine costs three writes to it, and its creation', async (t) => {
  const { served } = part('created');
  t.ok((served['virtualmachines'] ?? 0) >= smoke.machines, 'their creations are counted');
  t.ok((served['virtualmachines'] ?? 0) <= 2 * smoke.machines, `${served['virtualmachines']} of metadata`);
  // One more for a machine that was on its way for over a second.
  t.ok((served['virtualmachines/status'] ?? 0) <= 3 * smoke.machines, `${served['virtualmachines/status']} of status`);
});

await t.test('nothing but Leases is written when nothing happens', async (t) => {
  t.strictSame(Object.keys(part('idle').served), ['leases']);
});

await t.test('a restart writes nothing about machines', async (t) => {
  for (const name of ['agents killed', 'controller killed'])
    t.equal(
      sum(part(name).served, (what) => /^(virtualmachines|storagevolumes|events)/.test(what)),
      0,
      name,
    );
});

await t.test('what all hosts refer to alike is watched once by each process', async (t) => {
  const { reads } = part('hosts come up');
  for (const kind of ['storagepools', 'virtualnetworks', 'namespaces']) t.equal(reads[`${kind} watch`], 1 + smoke.agents, kind);
});
