import type { Hypervisor } from '#crds/types.js';
import { type Finding, isFalse, isTrue } from '../conditions.js';
import { fenced, outOfServiceAnnotation, stoodBack, wordOf } from '../out-of-service.js';

const take = `take the annotation ${outOfServiceAnnotation} away`;

/**
 * Whether what is bound to a host may be let go, as its condition OutOfService tells; undefined while nobody has said a word. Only who neither
 * hears of the host nor has an agent at work on it may let go: the agent must be silent, or must have said that it does not reach the host and
 * keeps its hands off from now on. Pure.
 */
export function judgeWord(hypervisor: Hypervisor, isSilent: boolean): Finding | undefined {
  const word = wordOf(hypervisor);
  if (word === undefined) return undefined;
  if (word !== fenced) {
    const accepted = `accepted is ${fenced}, which vouches that the host is off and writes to no disk any more`;
    return isFalse('NotVouchedFor', `annotation ${outOfServiceAnnotation}: "${word}" given, ${accepted}`);
  }
  if (isSilent) return isTrue('AgentSilent', `its agent is silent, and somebody vouched that it is off; ${whenBack}`);
  const connected = hypervisor.status?.conditions?.find(({ type }) => type === 'Connected');
  if (connected?.status === 'True') return isFalse('StillReached', `its agent reaches it: nothing is let go; ${stillReached(hypervisor)}`);
  if (connected?.status === 'False' && connected.reason === stoodBack)
    return isTrue('Unreached', `its agent does not reach it, and somebody vouched that it is off; ${whenBack}`);
  return isFalse('WaitingForAgent', 'its agent has not said yet that it keeps its hands off');
}

const whenBack = `when it is back and has no orphans left, ${take}`;

function stillReached({ status }: Hypervisor): string {
  const left = status?.orphans?.count ?? 0;
  return left === 0 ? `${take}, or switch the host off` : `${left} orphans are left on it, which the agent takes away; then ${take}`;
}
