import { releaseAnnotation } from '#crds/annotations.js';
import { type VirtualMachine, virtualMachines } from '#crds/types.js';
import { command } from './command.js';
import { Complaint, Failure } from './complaint.js';
import { whyNotYet } from './conditions.js';
import { before } from './deadline.js';
import { parseDuration } from './duration.js';
import { Progress } from './progress.js';
import { openApi } from './server/api.js';
import { followOne } from './server/follow.js';

export const releaseCommand = command({
  name: 'release',
  group: 'machines',
  words: ['virtualmachines'],
  summary: 'give a machine back to its host, as it is',
  usage: ['MACHINE...'],
  description: [
    'Deletes the VirtualMachine and leaves its machine on the host: running or not, it goes on, and is nobody’s. Its StorageVolumes stay, too; delete them afterwards, and with reclaimPolicy Retain so do their files.',
  ],
  flags: {
    wait: { kind: 'switch', default: true, help: 'until it is given back; --wait=false leaves it to the operator' },
    timeout: { kind: 'text', value: 'TIME', default: '5m', help: 'how long to wait for it; 0 waits without end' },
  },
  examples: [{ line: 'release web', what: 'the machine stays on its host, and the object goes' }],
  async run({ flags, args, io }, signal) {
    if (args.length === 0) throw new Complaint('name the machines that are to be given back');
    const timeoutMs = parseDuration(flags.timeout, 'timeout');
    await using api = await openApi({ flags, io });
    const { client, namespace } = api;
    const progress = new Progress(io);
    const released = args.map(async (name) => {
      const ref = { name, namespace };
      const object = (await client.get(virtualMachines, ref, signal)) as unknown as VirtualMachine;
      mustKeepDisks(object);
      const patch = { metadata: { annotations: { [releaseAnnotation]: 'true' } } };
      await client.mergePatch(virtualMachines, ref, patch, { resourceVersion: object.metadata.resourceVersion }, signal);
      await client.delete(virtualMachines, ref, { uid: object.metadata.uid }, signal).catch(async (reason: unknown) => {
        // An ordinary deletion, one day, is not to leave the machine behind.
        await client
          .mergePatch(virtualMachines, ref, { metadata: { annotations: { [releaseAnnotation]: null } } }, {}, signal)
          .catch(() => {});
        throw reason;
      });
      if (!flags.wait) return `virtualmachine/${name} is being released\n`;
      const gone = async (signal: AbortSignal) => {
        for await (const seen of followOne(client, virtualMachines, ref, signal)) {
          if (seen === undefined || seen.metadata.uid !== object.metadata.uid) return;
          progress.say(name, whyNotYet(seen));
        }
      };
      if ((await before(timeoutMs, signal, gone)) === 'late')
        throw new Failure(`${name}: not released within ${flags.timeout}: ${progress.last(name)}`);
      return `virtualmachine/${name} released\n`;
    });
    const ends = await Promise.allSettled(released);
    for (const end of ends) if (end.status === 'fulfilled') io.stdout.write(end.value);
    const [first] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (first !== undefined) throw first;
    return 0;
  },
});

/** Before anything is asked for: the operator would refuse it, too, with the object on its way out. */
function mustKeepDisks({ metadata, spec }: VirtualMachine): void {
  const doomed = (spec.disks ?? []).filter(({ volumeTemplate }) => volumeTemplate?.whenDeleted === 'Delete');
  if (doomed.length > 0)
    throw new Failure(
      `virtualmachine/${metadata.name} is not released: its disk ${doomed.map(({ name }) => name).join(', ')} has whenDeleted: Delete; set it to Retain`,
    );
}
