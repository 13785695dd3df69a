import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { isJson, list, text } from './json.js';
import { oneLine } from './output/text.js';

/** As it came: any kind may have been written by anybody. */
export interface SeenCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

export function conditionsOf({ status }: Pick<KubernetesObject, 'status'>): readonly SeenCondition[] {
  return list(isJson(status) ? status['conditions'] : undefined).map((one) => ({
    type: text(one['type']),
    status: text(one['status']),
    reason: text(one['reason']),
    message: text(one['message']),
    lastTransitionTime: text(one['lastTransitionTime']),
    ...(typeof one['observedGeneration'] === 'number' ? { observedGeneration: one['observedGeneration'] } : {}),
  }));
}

export const conditionOf = (object: Pick<KubernetesObject, 'status'>, type: string): SeenCondition | undefined =>
  conditionsOf(object).find((one) => one.type.toLowerCase() === type.toLowerCase());

/** Whether a condition says something about what the object is to be now, and not about what it was to be before. */
export const isCurrent = ({ metadata }: KubernetesObject, { observedGeneration }: SeenCondition): boolean =>
  observedGeneration === undefined || metadata.generation === undefined || observedGeneration >= metadata.generation;

/** Why an object is not yet as it is to be, in one line: `WaitingForVolumes: volume "x": there is none`. */
export function whyNotYet(object: KubernetesObject, type = 'Ready'): string {
  const condition = conditionOf(object, type);
  if (condition === undefined) return `nobody has said anything of ${type} yet`;
  const { status, reason, message } = condition;
  const words = [reason, message].filter((part) => part !== '').join(': ');
  return oneLine(`${isCurrent(object, condition) ? '' : 'of its former spec: '}${words === '' ? `${type} is ${status}` : words}`);
}
