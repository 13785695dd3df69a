import { ApiError, type Client } from '#controllers/kubernetes/client.js';
import { type VirtualMachine, virtualMachines } from '#crds/types.js';
import { command } from './command.js';
import { Complaint, Failure } from './complaint.js';
import { whyNotYet } from './conditions.js';
import { before } from './deadline.js';
import { parseDuration } from './duration.js';
import { giveBack, whyNotGranted } from './give-back.js';
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
    'Deletes the VirtualMachine and leaves its machine on the host: running or not, it goes on, and is nobody’s. It takes the grant that adopting it takes, grants[].machines of its Hypervisor. Its StorageVolumes stay, too; delete them afterwards, and with reclaimPolicy Retain so do their files.',
  ],
  flags: {
    force: { kind: 'switch', help: 'also where you may not see whether the Hypervisor grants it' },
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
      if (!flags.force) await mustBeGranted(client, object, signal);
      await giveBack(client, object, signal);
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

/** A deletion cannot be taken back: without the grant the object would neither go nor stay. */
async function mustBeGranted(client: Client, machine: VirtualMachine, signal: AbortSignal): Promise<void> {
  const { name } = machine.metadata;
  const ungranted = await whyNotGranted(client, machine, signal).catch((reason: unknown) => {
    if (!ApiError.is(reason, 'Forbidden')) throw reason;
    const remedy = 'see that spec.grants[].machines there names it, and give --force';
    throw new Failure(`virtualmachine/${name} is not released: whether it may be left on its host you may not read; ${remedy}`);
  });
  if (ungranted !== undefined) throw new Failure(`virtualmachine/${name} is not released: ${ungranted}`);
}

/** Before anything is asked for: the operator would refuse it, too, with the object on its way out. */
function mustKeepDisks({ metadata, spec }: VirtualMachine): void {
  const doomed = (spec.disks ?? []).filter(({ volumeTemplate }) => volumeTemplate?.whenDeleted === 'Delete');
  if (doomed.length > 0)
    throw new Failure(
      `virtualmachine/${metadata.name} is not released: its disk ${doomed.map(({ name }) => name).join(', ')} has whenDeleted: Delete; set it to Retain`,
    );
}
