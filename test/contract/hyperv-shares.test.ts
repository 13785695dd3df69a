import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { storesContract } from './contract.js';
import { credentials, drivesFolder, user } from './hyperv-access.js';

t.setTimeout(900_000);

const folder = await drivesFolder();

// A file server is asked as the host is: at the same port, and so at another address.
const [drives, served] = [await mkdtemp(join(folder, 'host-')), await mkdtemp(join(folder, 'served-'))];
const options = { mode: 'v2', users: [user], jobMs: 5 } as const;
const simulator = await Simulator.start({ ...options, folder: drives });
const server = await Simulator.start({ ...options, folder: served, without: true, host: '127.0.0.2', port: simulator.port });
for (const one of [simulator, server]) t.teardown(() => one[Symbol.asyncDispose]());
await server.share('vms', 'D:\\Shares\\vms', '127.0.0.2', simulator);
const endings: Readonly<Record<string, string>> = { Vhdx: '.vhdx', Vhd: '.vhd', Raw: '.empty.vhdx' };

await storesContract(t, {
  name: 'Hyper-V by WMI v2, with a pool on an SMB share',
  connect: () =>
    connectHypervDriver(`hyperv://127.0.0.1:${simulator.port}/?transport=http`, credentials, {
      signal: AbortSignal.timeout(30_000),
      pace: { first: 2, longest: 20 },
    }),
  cannot: ['imagineDisks', 'askMachines', 'stream'],
  source: async (name) => {
    await server.host.options.store.makeFolder(`D:\\Shares\\vms\\${name}`);
    return { kind: 'smb', server: '127.0.0.2', share: 'vms', folder: name };
  },
  volumeBytes: 4 << 20,
  locate: (path, { nativeName, format }) => `${path}\\${nativeName}${endings[format] ?? ''}`,
  peer: {},
});
