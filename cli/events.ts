import type { Selection } from '#controllers/kubernetes/client.js';
import { command, type Invocation } from './command.js';
import { Complaint } from './complaint.js';
import { ageText } from './duration.js';
import { aligned, oneLine } from './output/text.js';
import { type Api, openApi, spaceOf } from './server/api.js';
import { allEvents, coreEvents, type Happening, happeningOf } from './server/events.js';
import { follow, objectsOf } from './server/follow.js';
import { parseTargets } from './server/targets.js';
import { whyNot } from './trouble.js';

const eventsFlags = {
  'all-namespaces': { kind: 'switch', short: 'A', help: 'those of all namespaces' },
  watch: { kind: 'switch', short: 'w', help: 'go on showing what happens, until interrupted' },
} as const;

export const eventsCommand = command({
  name: 'events',
  group: 'objects',
  words: 'objects',
  summary: 'what happened, the newest last',
  usage: ['[KIND/NAME | KIND NAME]'],
  description: [
    'An API server keeps events for about an hour. Those of what belongs to no namespace, as hosts and pools, are in namespace "default".',
  ],
  flags: eventsFlags,
  examples: [
    { line: 'events', what: 'what happened in this namespace' },
    { line: 'events vm/web -w', what: 'what happens to one machine' },
  ],
  async run(invocation, signal) {
    const { flags, io } = invocation;
    await using api = await openApi(invocation);
    const selection = await selectionOf(invocation, api, signal);
    if (!flags.watch) {
      const found = await allEvents(api.client, selection, signal);
      if (found.length === 0) io.stderr.write('nothing found\n');
      io.stdout.write(eventsText(found, Date.now(), flags['all-namespaces']));
      return 0;
    }
    const onTrouble = (reason: unknown) => void io.stderr.write(`${whyNot(reason)}; trying again\n`);
    for await (const fresh of follow(objectsOf(api.client, coreEvents, selection), onTrouble, signal))
      io.stdout.write(fresh.map((event) => `${lineOf(happeningOf(event), flags['all-namespaces'])}\n`).join(''));
    return 0;
  },
});

async function selectionOf({ flags, args }: Invocation<typeof eventsFlags>, api: Api, signal: AbortSignal): Promise<Selection> {
  const space = flags['all-namespaces'] ? {} : { namespace: api.namespace };
  if (args.length === 0) return space;
  const [target, ...others] = parseTargets(args, await api.discovery(signal));
  if (target?.name === undefined || others.length > 0)
    throw new Complaint('more than one object named; accepted is one, as vm/web, or none');
  const { resource, name } = target;
  const found = await api.client.get(resource, { name, ...spaceOf(api, resource) }, signal);
  return { ...(resource.namespaced ? space : { namespace: 'default' }), fieldSelector: `involvedObject.uid=${found.metadata.uid}` };
}

/** With its time: lines that come one by one have no age. */
function lineOf({ lastAt, type, reason, about, namespace, message }: Happening, withNamespace: boolean): string {
  const time = Number.isNaN(lastAt) ? '-' : new Date(lastAt).toISOString().replace(/\.\d+Z$/, 'Z');
  return [time, type, reason, `${withNamespace ? `${namespace}/` : ''}${about}`, oneLine(message)].map(oneLine).join('  ');
}

export function eventsText(events: readonly Happening[], now: number, withNamespace = false): string {
  if (events.length === 0) return '';
  const rows = events.map(({ type, reason, about, namespace, message, count, lastAt }) =>
    [...(withNamespace ? [namespace] : []), `${ageText(now - lastAt)}${count > 1 ? ` (x${count})` : ''}`, type, reason, about, message].map(
      oneLine,
    ),
  );
  return aligned([[...(withNamespace ? ['NAMESPACE'] : []), 'AGE', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'], ...rows]);
}
