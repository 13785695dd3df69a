import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { allFlag, chosenObjects } from './chosen.js';
import { command } from './command.js';
import { Complaint } from './complaint.js';
import { conditionOf, isCurrent, whyNotYet } from './conditions.js';
import { before } from './deadline.js';
import { parseDuration } from './duration.js';
import { parseJsonPath, plain, valuesAt } from './output/jsonpath.js';
import { oneLine } from './output/text.js';
import { Progress } from './progress.js';
import { type Api, openApi, spaceOf } from './server/api.js';
import { followOne } from './server/follow.js';
import { called, type Target } from './server/targets.js';
import { absent } from './trouble.js';

const flags = {
  for: {
    kind: 'text',
    value: 'WHAT',
    default: 'condition=Ready',
    help: 'condition=TYPE[=STATUS], create, delete, or jsonpath={PATH}[=VALUE]',
  },
  timeout: { kind: 'text', value: 'TIME', default: '5m', help: 'how long; 0 waits without end' },
  selector: { kind: 'text', short: 'l', value: 'LABELS', help: 'all with these labels' },
  all: allFlag,
} as const;

export const waitCommand = command({
  name: 'wait',
  group: 'objects',
  words: 'objects',
  summary: 'wait until objects are ready, gone, or as told, and say what they wait for',
  usage: ['KIND NAME...', 'KIND/NAME...', 'KIND --all', 'KIND -l LABELS'],
  description: ['Ends with 0 once all of them are so, and with 1 when the time is over first; the last thing said of each tells why.'],
  flags,
  examples: [
    { line: 'wait vm/web', what: 'until machine web is Ready' },
    { line: 'wait vm --all --for condition=AddressKnown --timeout 10m', what: 'until all machines of the namespace have addresses' },
    { line: "wait vm/web --for jsonpath='{.status.power.state}'=Off", what: 'until a value is so' },
    { line: 'wait vol/web-root --for delete', what: 'until it is gone' },
  ],
  async run(invocation, signal) {
    const { flags, args, io } = invocation;
    const goal = parseGoal(flags.for);
    const timeoutMs = parseDuration(flags.timeout, 'timeout');
    await using api = await openApi(invocation);
    const targets = await chosenObjects(api, args, flags, signal);
    const progress = new Progress(io);
    const results = await Promise.all(targets.map((target) => waitFor(api, target, goal, progress, timeoutMs, signal)));
    for (const { about, end } of results) {
      if (end === 'met') io.stdout.write(`${about} ${goal.met}\n`);
      else if (end === 'late') io.stderr.write(`${about}: not within ${flags.timeout}: ${progress.last(about) ?? 'it never was'}\n`);
      else io.stderr.write(`${end}\n`);
    }
    return results.every(({ end }) => end === 'met') ? 0 : 1;
  },
});

interface Goal {
  /** Undefined when it is so. */
  readonly lacks: (object: KubernetesObject | undefined) => string | undefined;
  /** Whether that it is not there may change. */
  readonly maybeAbsent: boolean;
  readonly met: string;
}

/** Throws a Complaint for what is none. */
function parseGoal(text: string): Goal {
  const [kind = '', rest] = split(text, '=');
  if (text === 'delete') return { lacks: (object) => object && lingering(object), maybeAbsent: true, met: 'deleted' };
  if (text === 'create')
    return { lacks: (object) => (object === undefined ? 'it is not there' : undefined), maybeAbsent: true, met: 'created' };
  if (kind === 'condition' && rest !== undefined && rest !== '') return conditionGoal(rest);
  if (kind === 'jsonpath' && rest !== undefined && rest !== '') return pathGoal(rest);
  throw new Complaint(
    `--for: "${text}" given, accepted: condition=TYPE, condition=TYPE=STATUS, create, delete, jsonpath={PATH}, jsonpath={PATH}=VALUE`,
  );
}

function split(text: string, at: string): readonly [string, string | undefined] {
  const where = text.indexOf(at);
  return where < 0 ? [text, undefined] : [text.slice(0, where), text.slice(where + 1)];
}

function conditionGoal(text: string): Goal {
  const [type, status = 'True'] = split(text, '=');
  const lacks = (object: KubernetesObject | undefined): string | undefined => {
    if (object === undefined) return 'it is not there';
    const found = conditionOf(object, type);
    const isSo = found?.status.toLowerCase() === status.toLowerCase() && isCurrent(object, found);
    return isSo ? undefined : whyNotYet(object, found === undefined ? 'Ready' : type);
  };
  return { lacks, maybeAbsent: false, met: 'condition met' };
}

/** The value stands behind the brace, or, without braces, behind the last equals sign that is not a comparison. */
function pathGoal(text: string): Goal {
  const [, braced, rest, bare, value] = /^(?:(\{.*\})(.*)|(.*?[^=])(?:=([^=]*))?)$/s.exec(text) ?? [];
  const wanted = braced === undefined ? value : rest?.startsWith('=') ? rest.slice(1) : undefined;
  if (rest !== undefined && rest !== '' && !rest.startsWith('='))
    throw new Complaint(`--for: "${rest}" behind the path, accepted is =VALUE`);
  const path = parseJsonPath(braced ?? bare ?? '');
  const lacks = (object: KubernetesObject | undefined): string | undefined => {
    if (object === undefined) return 'it is not there';
    const found = valuesAt(object, path).map(plain);
    const isSo = wanted === undefined ? found.length > 0 : found.includes(wanted);
    return isSo ? undefined : `${found.length === 0 ? 'nothing is there' : `it is ${oneLine(found.join(', '))}`}; ${whyNotYet(object)}`;
  };
  return { lacks, maybeAbsent: false, met: 'condition met' };
}

/** What holds what is to go. */
export function lingering(object: KubernetesObject): string {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined) return 'it is there, and nobody has deleted it';
  const condition = conditionOf(object, 'Ready');
  return condition === undefined || condition.status === 'True'
    ? `held by ${oneLine(finalizers.join(', ')) || 'nobody'}`
    : whyNotYet(object);
}

async function waitFor(
  api: Api,
  { resource, name }: Required<Target>,
  goal: Goal,
  progress: Progress,
  timeoutMs: number,
  signal: AbortSignal,
) {
  const about = called(resource, name);
  const ref = { name, ...spaceOf(api, resource) };
  const end = await before(timeoutMs, signal, async (signal) => {
    for await (const object of followOne(api.client, resource, ref, signal)) {
      if (object === undefined && !goal.maybeAbsent) return absent(resource, name, api.namespace);
      const lack = goal.lacks(object);
      if (lack === undefined) return 'met';
      progress.say(about, lack);
    }
    return 'late';
  });
  return { about, end };
}
