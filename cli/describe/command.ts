import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { collect, selectionFlags, selectionOf } from '../asked.js';
import { command } from '../command.js';
import { Complaint } from '../complaint.js';
import { eventsText } from '../events.js';
import { painter } from '../output/colour.js';
import { type Api, openApi } from '../server/api.js';
import { eventsAbout } from '../server/events.js';
import { allObjects } from '../server/follow.js';
import { parseTargets } from '../server/targets.js';
import { relatedText } from './related.js';
import { objectPage } from './text.js';

export const describeCommand = command({
  name: 'describe',
  group: 'objects',
  words: 'objects',
  summary: 'show objects on a page: how they stand and why, what they are about, what happened',
  usage: ['KIND NAME...', 'KIND/NAME...', 'KIND [-l LABELS]'],
  description: ['Of a Secret the keys are shown, and never what is in them.'],
  flags: selectionFlags,
  examples: [
    { line: 'describe vm web', what: 'why a machine is not ready' },
    { line: 'describe hv', what: 'all hosts, with the machines on them' },
  ],
  async run(invocation, signal) {
    const { flags, args, io } = invocation;
    await using api = await openApi(invocation);
    const targets = parseTargets(args, await api.discovery(signal));
    if (targets.some(({ name }) => name !== undefined) && (flags['all-namespaces'] || flags.selector !== undefined))
      throw new Complaint('names and a selection given; accepted is one or the other');
    let shown = 0;
    const show = async (object: KubernetesObject): Promise<void> => {
      io.stdout.write(`${shown++ === 0 ? '' : '\n\n'}${await page(api, object, io, signal)}`);
    };
    const { failed } = await collect(
      { api, targets, flags: {}, io },
      async ({ resource }, ref) => show(await api.client.get(resource, ref, signal)),
      async (resource) => {
        for (const object of await allObjects(api.client, resource, selectionOf(api, resource, flags), signal)) await show(object);
      },
    );
    if (shown === 0 && !failed) io.stderr.write('nothing found\n');
    return failed ? 1 : 0;
  },
});

async function page(api: Api, object: KubernetesObject, io: Parameters<typeof painter>[0], signal: AbortSignal): Promise<string> {
  const [related, events] = await Promise.all([relatedText(api, object, signal), eventsAbout(api.client, object, signal)]);
  const happened =
    events === undefined ? 'you may not see them\n' : events.length === 0 ? 'none within the last hour\n' : eventsText(events, Date.now());
  const sections = [
    objectPage(object, Date.now(), painter(io)),
    ...(related === '' ? [] : [`Related:\n${indent(related)}`]),
    `Events:\n${indent(happened)}`,
  ];
  return sections.join('\n');
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');
