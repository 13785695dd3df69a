import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { matches } from '../namespaces.js';
import { isLetGo } from '../out-of-service.js';
import { affinity, antiAffinity } from './filters/affinity.js';
import { memory, processors } from './filters/capacity.js';
import type { Filter } from './filters/filter.js';
import { fit } from './filters/fit.js';
import { containerGrants } from './filters/grants.js';
import { maintenance } from './filters/maintenance.js';
import { macAddresses, networksHere } from './filters/networks.js';
import { orphaned, outOfService } from './filters/out-of-service.js';
import { ready } from './filters/ready.js';
import { systemPool } from './filters/system-pool.js';
import { taints } from './filters/taints.js';
import { poolsHere, volumesHere } from './filters/volumes.js';
import { type Explanation, explain, type Judged } from './rejections.js';
import { type Candidates, type Request, requestOf } from './request.js';
import { restoredOrCopied } from './restored.js';
import { company } from './scores/company.js';
import { fullness } from './scores/fullness.js';
import { kept } from './scores/kept.js';
import { locality } from './scores/locality.js';
import type { Score } from './scores/score.js';

export type Choice =
  | { readonly kind: 'place'; readonly hypervisor: Hypervisor }
  | ({ readonly kind: 'none'; readonly reason: string } & Explanation);

/** What says no to most hosts, or is looked at soonest, comes first: the later one fails, the nearer a host came. */
const filters: readonly Filter[] = [
  outOfService,
  ready,
  orphaned,
  maintenance,
  taints,
  fit,
  containerGrants,
  systemPool,
  poolsHere,
  volumesHere,
  networksHere,
  macAddresses,
  affinity,
  antiAffinity,
  processors,
  memory,
];

/** A preference that was declared outweighs how full a host is, and that where volumes of shared stores happen to be. */
const scores: readonly { readonly score: Score; readonly weight: number }[] = [
  { score: kept, weight: 8 },
  { score: company, weight: 4 },
  { score: fullness, weight: 2 },
  { score: locality, weight: 0.1 },
];

/** The host that suits best; or why none does. Pure. */
export function choose(machine: VirtualMachine, candidates: Candidates): Choice {
  const meant = candidates.hypervisors.filter((hypervisor) => isMeant(machine, hypervisor));
  if (meant.length === 0) return none('NoHypervisor', nobodyMeant(machine));
  const unread = meant.find((hypervisor) => hypervisor.status?.strays === undefined && !isLetGo(hypervisor));
  if (unread !== undefined) {
    const why = 'until then nobody knows whether the machine runs there already';
    return none('WaitingForHypervisor', `waiting for Hypervisor "${unread.metadata.name}" to report: ${why}`);
  }
  const restored = restoredOrCopied(machine, meant);
  if (restored !== undefined) return none('RestoredOrCopied', restored);
  return best(requestOf(machine, { ...candidates, hypervisors: meant }));
}

const none = (reason: string, message: string): Choice => ({ kind: 'none', reason, message, reasons: [], rejected: [] });

function best(request: Request): Choice {
  const rejected: Judged[] = [];
  let chosen: { readonly hypervisor: Hypervisor; readonly rank: Rank } | undefined;
  for (const hypervisor of request.hypervisors) {
    const objection = objectionTo(request, hypervisor);
    if (objection !== undefined) {
      rejected.push(objection);
      continue;
    }
    const rank = rankOf(request, hypervisor);
    if (chosen === undefined || compareRanks(rank, chosen.rank) < 0) chosen = { hypervisor, rank };
  }
  if (chosen !== undefined) return { kind: 'place', hypervisor: chosen.hypervisor };
  return { kind: 'none', reason: 'Unschedulable', ...explain(rejected) };
}

function objectionTo(request: Request, hypervisor: Hypervisor): Judged | undefined {
  for (const [passed, filter] of filters.entries()) {
    const objection = filter(request, hypervisor);
    if (objection !== undefined) return { hypervisor: hypervisor.metadata.name, passed, ...objection };
  }
  return undefined;
}

interface Rank {
  readonly points: number;
  readonly machines: number;
  readonly name: string;
}

const rankOf = (request: Request, hypervisor: Hypervisor): Rank => ({
  points: scores.reduce((sum, { score, weight }) => sum + weight * score(request, hypervisor), 0),
  machines: request.usage(hypervisor.metadata.name).machines,
  name: hypervisor.metadata.name,
});

/** Where points are equal: the fewest machines, then by name. */
const compareRanks = (a: Rank, b: Rank): number =>
  b.points - a.points || a.machines - b.machines || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Whether the machine may be on this host, as far as its manifest says. */
export function isMeant({ spec }: VirtualMachine, { metadata }: Hypervisor): boolean {
  const { hypervisorRef, hypervisorSelector } = spec.placement ?? {};
  if (metadata.deletionTimestamp !== undefined) return false;
  if (hypervisorRef !== undefined) return hypervisorRef.name === metadata.name;
  return hypervisorSelector === undefined || matches(metadata.labels, hypervisorSelector.matchLabels);
}

/** Why no host is meant. */
export function nobodyMeant({ spec }: VirtualMachine): string {
  const { hypervisorRef, hypervisorSelector } = spec.placement ?? {};
  if (hypervisorRef !== undefined) return `waiting for Hypervisor "${hypervisorRef.name}": there is none`;
  if (hypervisorSelector === undefined) return 'there is no Hypervisor yet';
  return `no Hypervisor has the labels ${JSON.stringify(hypervisorSelector.matchLabels)}`;
}
