import { ApiError } from '#controllers/kubernetes/client.js';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { selectionFlags, selectionOf } from '../asked.js';
import { command } from '../command.js';
import { Complaint } from '../complaint.js';
import { eventsText } from '../events.js';
import { painter } from '../output/colour.js';
import { type Api, openApi } from '../server/api.js';
import { eventsAbout } from '../server/events.js';
import { parseTargets } from '../server/targets.js';
import { absent, whyNot } from '../trouble.js';
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
    let failed = false;
    let shown = 0;
    for (const { resource, name } of targets)
      try {
        const selection = selectionOf(api, resource, flags);
        const objects =
          name === undefined
            ? await all(api, resource, selection, signal)
            : [await api.client.get(resource, { ...selection, name }, signal)];
        for (const object of objects) io.stdout.write(`${shown++ === 0 ? '' : '\n\n'}${await page(api, object, io, signal)}`);
      } catch (reason) {
        if (!(reason instanceof ApiError)) throw reason;
        io.stderr.write(`${name !== undefined && reason.reason === 'NotFound' ? absent(resource, name, api.namespace) : whyNot(reason)}\n`);
        failed = true;
      }
    if (shown === 0 && !failed) io.stderr.write('nothing found\n');
    return failed ? 1 : 0;
  },
});

async function all(api: Api, ...[resource, selection, signal]: Parameters<Api['client']['pages']>): Promise<readonly KubernetesObject[]> {
  const found: KubernetesObject[] = [];
  for await (const { items } of api.client.pages(resource, selection, signal)) found.push(...items);
  return found;
}

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
