import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { Simulator } from './simulator.js';

const run = promisify(execFile);
const hasWsl = await run('sh', ['-c', 'command -v wslinvoke']).then(
  () => true,
  () => false,
);
if (!hasWsl && process.env['CI'] === 'true') throw new Error('wsl is missing');

const uri = 'http://schemas.microsoft.com/wbem/wsman/1/wmi';
const service = 'Msvm_VirtualSystemManagementService';
const versions = {
  v2: { namespace: 'root/virtualization/v2', define: 'DefineSystem' },
  v1: { namespace: 'root/virtualization', define: 'DefineVirtualSystem' },
} as const;

/** As an answer of the host names the service, with the prefixes that the client takes for granted and Windows does not use. */
const endpoint = (resource: string) => `<wsa:EndpointReference>
<wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address>
<wsa:ReferenceParameters>
<wsman:ResourceURI>${resource}</wsman:ResourceURI>
<wsman:SelectorSet>
<wsman:Selector Name="CreationClassName">${service}</wsman:Selector>
</wsman:SelectorSet>
</wsa:ReferenceParameters>
</wsa:EndpointReference>
`;

for (const mode of ['v2', 'v1'] as const)
  t.test(
    `${mode}: a client of shell scripts is told who is there, lists, gets and calls`,
    { skip: hasWsl ? false : 'wsl is missing' },
    async (t) => {
      const folder = t.testdir({ C: {}, client: {} });
      const users = [{ name: 'Administrator', password: 'secret' }];
      const simulator = await Simulator.start({ mode, folder, users, ways: { basic: true, unencrypted: true } });
      t.teardown(() => simulator[Symbol.asyncDispose]());
      const cwd = join(folder, 'client');
      const who = { WSENDPOINT: `127.0.0.1:${simulator.port}`, WSUSER: 'Administrator', WSPASS: 'secret', WSNOSSL: '1' };
      const asked = { KEEPHISTORY: '0', WSDONTASK: 'y', IPINTERACTIVE: '0', OUTPREFIX: cwd };
      const env = { PATH: process.env['PATH'], TERM: 'dumb', ...who, ...asked };
      const wsl = async (command: string, ...given: string[]): Promise<string> => {
        const asks = run(command, given, { cwd, env }).catch((reason) => reason);
        return String((await asks).stdout);
      };
      const { namespace, define } = versions[mode];
      const resource = `${uri}/${namespace}/${service}`;
      t.match(await wsl('wslid', 'check'), /<wsmid:ProductVersion>OS: \d+\.\d+\.\d+ /);
      t.match(await wsl('wslenum', `${uri}/root/cimv2/Win32_LogicalDisk`), /PullResponse[\s\S]*<p:Name>C:<\/p:Name>[\s\S]*EndOfSequence/);
      t.match(await wsl('wslenum', resource, '-mode', 'epr'), /<w:Selector Name="CreationClassName">Msvm_VirtualSystemManagementService</);
      t.match(await wsl('wslget', resource, `CreationClassName=${service}`), /<p:Started>true</);
      await writeFile(join(cwd, 'service.xml'), endpoint(resource));
      t.match(await wsl('wslinvoke', resource, define, '-inst', 'service.xml'), /_OUTPUT[\s\S]*<p:ReturnValue>0</);
      t.equal(simulator.host.machines.size, 1);
      t.match(
        await wsl('wslinvoke', resource, 'NoSuchMethod', '-inst', 'service.xml'),
        /ActionNotSupported[\s\S]*NoSuchMethod is not available/,
      );
    },
  );
