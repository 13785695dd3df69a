import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { WmiClass } from '#drivers/hyperv/wmi/class.js';
import * as driverClasses from '#drivers/hyperv/wmi/classes.js';
import type { Fields } from '#drivers/hyperv/wmi/property.js';
import * as wiringClasses from '#drivers/hyperv/wmi/wiring-classes.js';
import { Classes } from './cim/class.js';
import { signatureOf } from './cim/signature.js';
import { wordsV1, wordsV2 } from './model/words.js';
import { Simulator } from './simulator.js';
import { classes as v1Classes } from './wmi/v1/classes.js';
import { signatures as v1Signatures } from './wmi/v1/signatures.js';
import { classes as v2Classes } from './wmi/v2/classes.js';
import { signatures as v2Signatures } from './wmi/v2/signatures.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-documented-'));
t.teardown(() => rm(folder, { recursive: true }));

const texts = { v1: v1Classes, v2: v2Classes };
const signatures = { v1: v1Signatures, v2: v2Signatures };
type AnyClass = WmiClass<Fields, Fields, Fields>;
const isClass = (of: unknown): of is AnyClass => typeof of === 'object' && of !== null && 'keys' in of;
/** What is wired up is of version 1 alone. */
const named = {
  v1: ([...Object.values(driverClasses), ...Object.values(wiringClasses)] as readonly unknown[]).filter(isClass),
  v2: (Object.values(driverClasses) as readonly unknown[]).filter(isClass),
};
const hasAny = (fields: Fields) => Object.keys(fields).length > 0;

for (const version of ['v1', 'v2'] as const) {
  const classes = new Classes(texts[version]);

  t.test(`${version}: the driver reads and writes documented properties alone, as what they are`, async (t) => {
    const missing: string[] = [];
    const checked: string[] = [];
    for (const each of named[version]) {
      const found = classes.find(each.name[version]);
      for (const [name, { type, isArray }] of Object.entries({ ...each.common, ...each[version] })) {
        const property = found?.properties.find((known) => known.name === name);
        const is = property && `${property.type === 'ref' ? 'string' : property.type}${property.isArray}`;
        if (found !== undefined && is !== `${type}${isArray}`) missing.push(`${found.name}.${name}: ${is}, not ${type}${isArray}`);
        if (found !== undefined) checked.push(name);
      }
      if (found === undefined && hasAny(each[version])) missing.push(each.name[version]);
    }
    t.same(missing, []);
    t.ok(checked.length > 60, `${checked.length} properties`);
  });

  t.test(`${version}: methods are of classes that are there, and their parameters have types that there are`, async (t) => {
    for (const [name, text] of Object.entries(signatures[version])) {
      t.ok(classes.find(name.slice(0, name.indexOf('.'))), name);
      for (const { type } of signatureOf(text).takes) t.match(type, /^(string|boolean|datetime|uint(8|16|32|64)|ref|instance)$/, name);
    }
  });
}

const wrong: readonly (readonly [what: string, parameters: string, why: RegExp])[] = [
  ['a parameter that is none', '<p:Colour>red</p:Colour>', /Colour is no parameter/],
  ['a text for a reference', '<p:ReferenceConfiguration>x</p:ReferenceConfiguration>', /ReferenceConfiguration is no ref/],
  ['two of what is one', '<p:SystemSettings/><p:SystemSettings/>', /SystemSettings is no single instance/],
  ['a class that is not there', settings('Msvm_Nothing', 'ElementName', 'string', 'a'), /Msvm_Nothing does not exist/],
  ['a property that is none', settings('Msvm_VirtualSystemSettingData', 'Colour', 'string', 'red'), /has no property Colour/],
  ['a number that is none', settings('Msvm_VirtualSystemSettingData', 'DebugPort', 'uint32', 'x'), /DebugPort is no uint32/],
  ['a number that is too large', settings('Msvm_VirtualSystemSettingData', 'ConsoleMode', 'uint16', '65536'), /ConsoleMode is no uint16/],
];

function settings(className: string, name: string, type: string, value: string): string {
  const text = `<INSTANCE CLASSNAME="${className}"><PROPERTY NAME="${name}" TYPE="${type}"><VALUE>${value}</VALUE></PROPERTY></INSTANCE>`;
  return `<p:SystemSettings>${text.replaceAll('<', '&lt;')}</p:SystemSettings>`;
}

for (const [what, parameters, why] of wrong)
  t.test(`${what} is refused by its name`, async (t) => {
    const answer = await invoked(t, 'Msvm_VirtualSystemManagementService', 'DefineSystem', parameters);
    t.match(answer, why);
    t.match(answer, /<s:Value>(w:InvalidParameter|a:DestinationUnreachable)<\/s:Value>/);
  });

t.test('names are known in whatever case, and truths and numbers in whatever form clients write them', async (t) => {
  const text = settings('msvm_virtualsystemsettingdata', 'incrementalbackupenabled', 'boolean', 'False').replaceAll(
    'SystemSettings',
    'systemsettings',
  );
  t.match(await invoked(t, 'msvm_virtualsystemmanagementservice', 'DefineSystem', text), /<p:ReturnValue>0<\/p:ReturnValue>/);
});

async function invoked(t: Test, className: string, method: string, parameters: string): Promise<string> {
  const users = [{ name: 'Administrator', password: 'secret' }];
  const simulator = await Simulator.start({ mode: 'v2', folder, users, ways: { basic: true, unencrypted: true } });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const uri = `http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/${className}`;
  const body =
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
    ` xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:Action>${uri}/${method}</a:Action>` +
    `<w:ResourceURI>${uri}</w:ResourceURI><w:SelectorSet><w:Selector Name="CreationClassName">${className}</w:Selector></w:SelectorSet>` +
    `</s:Header><s:Body><p:${method}_INPUT xmlns:p="${uri}">${parameters}</p:${method}_INPUT></s:Body></s:Envelope>`;
  const headers = { Authorization: `Basic ${btoa('Administrator:secret')}`, 'Content-Type': 'application/soap+xml;charset=UTF-8' };
  return (await fetch(`http://127.0.0.1:${simulator.port}/wsman`, { method: 'POST', headers, body })).text();
}

t.test('v1: what is for use in the future is refused', async (t) => {
  t.notOk(11 in wordsV1(new Classes(v1Classes)).requests);
  t.equal(wordsV1(new Classes(v1Classes)).requests[10], 'reset');
  t.equal(wordsV2(new Classes(v2Classes)).requests[11], 'reset');
});
