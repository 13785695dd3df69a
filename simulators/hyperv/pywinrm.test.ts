import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import type { Mode } from './model/words.js';
import { Simulator } from './simulator.js';

const run = promisify(execFile);
const python = '/usr/bin/python3';
const hasWinrm = await run(python, ['-c', 'import winrm']).then(
  () => true,
  () => false,
);
if (!hasWinrm && process.env['CI'] === 'true') throw new Error('python3-winrm is missing');

const folder = await mkdtemp(join(tmpdir(), 'vw-pywinrm-'));
t.teardown(() => rm(folder, { recursive: true }));
const user = { name: 'Administrator', password: 'secret' };

/** NTLM wants MD4, which OpenSSL keeps apart. */
const legacy = join(folder, 'legacy.cnf');
await writeFile(legacy, 'openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = on\nlegacy = on\n[on]\nactivate = 1\n');

const namespaces = { v2: 'root/virtualization/v2', v1: 'root/virtualization' };
const defining = {
  v2: { method: 'DefineSystem', parameter: 'SystemSettings', settings: 'Msvm_VirtualSystemSettingData', made: 'ResultingSystem' },
  v1: {
    method: 'DefineVirtualSystem',
    parameter: 'SystemSettingData',
    settings: 'Msvm_VirtualSystemGlobalSettingData',
    made: 'DefinedSystem',
  },
};

/** Listings in pages, a method that is given an object, one that is none, and a query that is none: over one connection, sealed or by TLS. */
const script = (endpoint: string, password: string, mode: Mode, more: string) => `
import re
from html import escape
from winrm.protocol import Protocol
p = Protocol(endpoint='${endpoint}', transport='ntlm', username='Administrator', password='${password}'${more})
wmi = 'http://schemas.microsoft.com/wbem/wsman/1/wmi/${namespaces[mode]}/'
enumeration = 'http://schemas.xmlsoap.org/ws/2004/09/enumeration'

def ask(action, resource, body, selectors=''):
    return p.send_message('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:n="' + enumeration + '"><s:Header><a:Action>' + action + '</a:Action>'
        '<w:ResourceURI>' + resource + '</w:ResourceURI><a:MessageID>uuid:1</a:MessageID>' + selectors + '</s:Header><s:Body>' + body + '</s:Body></s:Envelope>').decode()

def listed(query):
    reply = ask(enumeration + '/Enumerate', wmi + '*', '<n:Enumerate><w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">' + escape(query) + '</w:Filter></n:Enumerate>')
    context, found = re.search('<n:EnumerationContext>([^<]+)<', reply).group(1), []
    while True:
        page = ask(enumeration + '/Pull', wmi + '*', '<n:Pull><n:EnumerationContext>' + context + '</n:EnumerationContext></n:Pull>')
        found += re.findall('<p:ElementName>([^<]*)<', page)
        if '<n:EndOfSequence' in page:
            return found

def invoked(method, parameters):
    uri = wmi + 'Msvm_VirtualSystemManagementService'
    selectors = '<w:SelectorSet><w:Selector Name="CreationClassName">Msvm_VirtualSystemManagementService</w:Selector></w:SelectorSet>'
    return ask(uri + '/' + method, uri, '<p:' + method + '_INPUT xmlns:p="' + uri + '">' + parameters + '</p:' + method + '_INPUT>', selectors)

def refused(what):
    try:
        what()
    except Exception as reason:
        return str(reason)
    raise AssertionError('not refused')

for name in ['one', 'two & three']:
    text = '<INSTANCE CLASSNAME="${defining[mode].settings}"><PROPERTY NAME="ElementName" TYPE="string"><VALUE>' + escape(name) + '</VALUE></PROPERTY></INSTANCE>'
    made = invoked('${defining[mode].method}', '<p:${defining[mode].parameter}>' + escape(text) + '</p:${defining[mode].parameter}>')
    assert '<p:ReturnValue>0</p:ReturnValue>' in made and '<p:${defining[mode].made}>' in made, made
print(listed("SELECT * FROM Msvm_ComputerSystem WHERE Description = 'Microsoft Virtual Machine'"))
print('w:InvalidParameter' in refused(lambda: invoked('${defining[mode].method}', '<p:Colour>red</p:Colour>')))
print('n:CannotProcessFilter' in refused(lambda: listed('SELECT * FROM Msvm_Nothing')))
print(len(listed("SELECT * FROM Msvm_ComputerSystem WHERE ElementName = 'one'")))
`;

async function certified() {
  const authority = await createAuthority(folder);
  const { cert, key } = await issue(folder, 'server', '/CN=hyperv', 'serverAuth');
  const [certText = '', keyText = ''] = await Promise.all([cert, key].map((path) => readFile(path, 'utf8')));
  return { trust: authority.cert, certificate: { cert: certText, key: keyText } };
}

const said = "['one', 'two &amp; three']\nTrue\nTrue\n1";

for (const mode of ['v2', 'v1'] as const)
  for (const way of ['sealed over HTTP', 'bound to TLS'] as const)
    t.test(
      `${mode}: Debian's pywinrm lists, makes machines and is refused, ${way}, and is not let in by a wrong password`,
      { skip: !hasWinrm && 'install python3-winrm' },
      async (t) => {
        const tls = way === 'bound to TLS' ? await certified() : undefined;
        const more = tls === undefined ? {} : { certificate: tls.certificate };
        const simulator = await Simulator.start({ mode, folder, users: [user], ...more });
        t.teardown(() => simulator[Symbol.asyncDispose]());
        const [scheme, options] =
          tls === undefined ? ['http', ", message_encryption='always'"] : ['https', `, ca_trust_path='${tls.trust}'`];
        const asks = (password: string) =>
          run(python, ['-c', script(`${scheme}://127.0.0.1:${simulator.port}/wsman`, password, mode, options ?? '')], {
            env: { ...process.env, OPENSSL_CONF: legacy },
          });
        t.equal((await asks(user.password)).stdout.trim(), said);
        t.same([...simulator.host.machines.values()].map(({ name }) => name).sort(), ['one', 'two & three']);
        await t.rejects(asks('wrong'), /credentials were rejected/);
      },
    );
