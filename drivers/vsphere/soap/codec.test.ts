import fc from 'fast-check';
import t from 'tap';
import { parseXml } from '#drivers/xml/parse.js';
import { child, element, type XmlElement } from '#drivers/xml/tree.js';
import { toDriverError } from './driver-error.js';
import { decodeReply, encodeRequest, operation } from './envelope.js';
import { VimFault } from './fault.js';
import { fromVim, typed, typeOf } from './names.js';
import { anyText, arrayOf, boolean, integer, list, nothing, optional, raw, ref, struct, text } from './types.js';

const target = { type: 'VirtualMachine', value: 'vm-1' };
const inner = struct({ key: text, value: anyText }, 'OptionValue');
const change = operation('Change', { name: text, count: optional(integer), on: boolean, of: optional(ref), extra: list(inner) }, nothing);

/** The request as the host would see it, its wrapping taken off. */
function seen(request: string): XmlElement {
  const envelope = parseXml(request, 'request');
  const body = envelope.children[0];
  const asked = body?.kind === 'element' ? body.children[0] : undefined;
  if (body?.kind !== 'element' || asked?.kind !== 'element') throw new Error(request);
  return fromVim(asked, envelope, body);
}

const envelope = (body: string) =>
  `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"
    xmlns:xs="http://www.w3.org/2001/XMLSchema"><e:Body>${body}</e:Body></e:Envelope>`;
const reply = (content: string) => envelope(`<GetResponse xmlns="urn:vim25"><returnval>${content}</returnval></GetResponse>`);
const get = <T>(type: Parameters<typeof operation<Record<never, never>, T>>[2]) => operation('Get', {}, type);

t.test('a request has its fields in the order of the schema, whatever order they were given in', async (t) => {
  const request = encodeRequest(change, target, { extra: [{ value: 'v', key: 'k' }], on: true, name: 'n', count: 7 });
  t.equal(
    request.slice(request.indexOf('<Change')),
    '<Change xmlns="urn:vim25"><_this type="VirtualMachine">vm-1</_this><name>n</name><count>7</count><on>true</on>' +
      '<extra xsi:type="OptionValue"><key>k</key><value xsi:type="xsd:string">v</value></extra></Change></soapenv:Body></soapenv:Envelope>',
  );
});

t.test('what is written is read back to the letter', async (t) => {
  const whole = struct({ name: text, count: optional(integer), on: boolean, of: optional(ref), extra: list(inner) });
  const word = fc.string({ unit: fc.constantFrom(...`<>&"'/]![-#;?=x \t\n`, 'é', '漢', '🦀'), maxLength: 12 });
  const value = fc.record(
    {
      name: word,
      count: fc.maxSafeInteger(),
      on: fc.boolean(),
      of: fc.record({ type: fc.constant('Datastore'), value: word }),
      extra: fc.array(fc.record({ key: word, value: word }), { maxLength: 3 }),
    },
    { requiredKeys: ['name', 'on', 'extra'] },
  );
  fc.assert(fc.property(value, (given) => t.same(whole.read([seen(encodeRequest(change, target, given))], 'it'), given)));
});

t.test('a device is handed back with all that it holds', async (t) => {
  const device =
    '<v:device xmlns:v="urn:vim25" x:type="v:VirtualDisk"><v:key>2000</v:key><v:label x:type="xs:string"> a </v:label><o:odd xmlns:o="urn:odd" b="c"/></v:device>';
  const read = decodeReply(get(struct({ device: raw })), reply(device)).device;
  t.equal(typeOf(read), 'VirtualDisk');
  t.equal(typeOf(child(read, 'label')), 'xsd:string');
  const edit = operation('Edit', { device: raw }, nothing);
  t.same(child(seen(encodeRequest(edit, target, { device: read })), 'device'), read);
});

t.test('names are looked up by namespace, whatever the prefix', async (t) => {
  const prefixed = envelope('<v:GetResponse xmlns:v="urn:vim25"><v:returnval><v:a>1</v:a></v:returnval></v:GetResponse>');
  t.same(decodeReply(get(struct({ a: integer })), prefixed), { a: 1 });
  const foreign = '<a xmlns="urn:other">1</a>';
  t.throws(() => decodeReply(get(struct({ a: integer })), reply(foreign)), { code: 'Internal', message: /Get: returnval.a is missing/ });
  const none = '<a xmlns="">1</a>';
  t.throws(() => decodeReply(get(struct({ a: integer })), reply(none)), { code: 'Internal', message: /<a> is in no namespace/ });
});

t.test('an array is read from its members, and white space between elements is none', async (t) => {
  const refs = `<val x:type="ArrayOfManagedObjectReference">
    <ManagedObjectReference type="VirtualMachine">vm-1</ManagedObjectReference>
    <ManagedObjectReference type="VirtualMachine">vm-2</ManagedObjectReference></val>`;
  t.same(decodeReply(get(struct({ val: arrayOf(ref) })), reply(refs)).val, [target, { ...target, value: 'vm-2' }]);
});

for (const [what, content, why] of [
  ['a missing field', '', /Get: returnval.n is missing/],
  ['a field that is there twice', '<n>1</n><n>2</n>', /returnval.n is there 2 times/],
  ['a number that is none', '<n>many</n>', /returnval.n is "many", not a whole number/],
  ['a number beyond 2^53', '<n>9007199254740993</n>', /not a whole number/],
  ['an empty number', '<n/>', /returnval.n is "", not a whole number/],
] as const)
  t.test(`${what} is nonsense`, async (t) => {
    t.throws(() => decodeReply(get(struct({ n: integer })), reply(content)), { name: 'DriverError', code: 'Internal', message: why });
  });

const bomb = `<!DOCTYPE e [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>${reply('&b;').slice(21)}`;
for (const [what, text, why] of [
  ['nothing', '', /must contain a root element/],
  ['a page for people', '<html><body>503</body></html>', /<html> is no SOAP envelope/],
  ['half an answer', reply('<a>1</a>').slice(0, -20), /the reply to Get: /],
  ['a document type with entities', bomb, /document type declaration is not accepted/],
  ['an entity of its own', reply('&xxe;'), /the reply to Get: .*entity/],
  ['an external entity', `<!DOCTYPE e SYSTEM "file:///etc/passwd">${reply('')}`, /document type declaration|XML declaration/],
  ['depth', reply('<a>'.repeat(200) + '</a>'.repeat(200)), /nested deeper than the 100 accepted/],
  ['a million nodes', reply('<a/>'.repeat(1_000_001)), /more than the 1000000 nodes accepted/],
  ['an envelope of another kind', reply('').replaceAll('schemas.xmlsoap.org/soap', 'www.w3.org/2003/05/soap'), /is no SOAP envelope/],
  ['no body', '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>', /has no body/],
  ["another question's answer", reply('').replaceAll('GetResponse', 'PutResponse'), /neither <GetResponse> nor a fault/],
  ['an answer in another namespace', reply('').replace('urn:vim25', 'urn:vim2'), /neither <GetResponse> nor a fault/],
] as const)
  t.test(`${what} is refused`, async (t) => {
    t.throws(() => decodeReply(get(nothing), text), { name: 'DriverError', code: 'Internal', message: why });
  });

const fault = (type: string, said: string, content = '') =>
  envelope(`<e:Fault><faultcode>ServerFaultCode</faultcode><faultstring>${said}</faultstring><detail>
    <${type}Fault xmlns="urn:vim25" x:type="${type}">${content}</${type}Fault></detail></e:Fault>`);

function thrownBy(text: string): VimFault {
  try {
    decodeReply(get(nothing), text);
  } catch (reason) {
    if (reason instanceof VimFault) return reason;
    throw reason;
  }
  throw new Error('no fault');
}

t.test('a fault is read whole, with its fields and its cause', async (t) => {
  const cause =
    '<faultCause><fault x:type="NoDiskSpace"><datastore>ds 1</datastore></fault><localizedMessage>full</localizedMessage></faultCause>';
  const message = '<faultMessage><key>k</key><message>Cannot grow.</message></faultMessage>';
  const found = thrownBy(fault('SystemError', 'A general error occurred.', `${cause}${message}<reason>vim</reason>`));
  t.equal(found.message, 'A general error occurred. Cannot grow. (SystemError, reason "vim")');
  t.equal(found.field('reason'), 'vim');
  t.match(found.cause, { type: 'NoDiskSpace', message: 'full (NoDiskSpace, datastore "ds 1")' });
  t.match(toDriverError(found), { code: 'Exhausted' }, 'and the cause tells what it means');
});

for (const [type, content, code, words] of [
  ['InvalidLogin', '', 'Denied', /"username" and "password" in the Secret/],
  ['NotAuthenticated', '', 'Unavailable', /session has expired/],
  [
    'NoPermission',
    '<object type="Folder">group-v3</object><privilegeId>VirtualMachine.Inventory.Create</privilegeId>',
    'Denied',
    /Inventory.Create.*role/,
  ],
  ['RestrictedVersion', '', 'Unsupported', /free ESXi licence makes the API read-only/],
  ['DuplicateName', '<name>web</name>', 'Conflict', /name "web"/],
  ['ConcurrentAccess', '', 'Conflict', /somebody else changed it/],
  ['TaskInProgress', '', 'Busy', /another task is under way/],
  ['InvalidPowerState', '<existingState>poweredOff</existingState>', 'Conflict', /existingState "poweredOff"/],
  ['InvalidState', '', 'Conflict', /InvalidState/],
  ['ManagedObjectNotFound', '<obj type="VirtualMachine">vm-9</obj>', 'NotFound', /vm-9/],
  ['InsufficientMemoryResourcesFault', '<unreserved>1</unreserved><requested>2</requested>', 'Exhausted', /unreserved "1", requested "2"/],
  ['FileAlreadyExists', '<file>[ds] a.vmdk</file>', 'Conflict', /\[ds\] a.vmdk/],
  ['NoDiskSpace', '<datastore>ds</datastore>', 'Exhausted', /free something/],
  ['InvalidArgument', '<invalidProperty>configSpec.guestId</invalidProperty>', 'Invalid', /configSpec.guestId/],
  ['MethodNotFound', '', 'Unsupported', /this version of vSphere/],
  ['SomethingNew', '', 'Internal', /SomethingNew/],
  ['constructor', '', 'Internal', /constructor/],
] as const)
  t.test(`${type} is told as ${code}`, async (t) => {
    t.match(toDriverError(thrownBy(fault(type, 'No.', content))), { code, message: words, cause: { name: 'VimFault', type } });
  });

t.test('a fault without words, detail or type is a fault still', async (t) => {
  t.match(thrownBy(fault('InvalidState', '')), { message: 'the host refuses (InvalidState)' });
  t.match(thrownBy(envelope('<e:Fault><faultstring>odd</faultstring></e:Fault>')), { type: 'Fault', message: 'odd (Fault)' });
  t.match(thrownBy(fault('Busy', '').replace(' x:type="Busy"', '')), { type: 'Busy' });
});

t.test('text that XML cannot hold is refused', async (t) => {
  t.throws(() => encodeRequest(change, target, { name: 'a\0', on: true, extra: [] }), { code: 'Invalid' });
});

t.test('a type is set once', async (t) => t.equal(typeOf(typed(typed(element('a'), 'B'), 'C')), 'C'));
