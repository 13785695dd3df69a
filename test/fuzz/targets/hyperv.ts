import { DriverError } from '#drivers/error.js';
import { decodeChallenge, encodeChallenge, wanted } from '#drivers/hyperv/ntlm/messages.js';
import { decodeObject, type WmiClass } from '#drivers/hyperv/wmi/class.js';
import * as classes from '#drivers/hyperv/wmi/classes.js';
import type { Fields } from '#drivers/hyperv/wmi/property.js';
import * as wiringClasses from '#drivers/hyperv/wmi/wiring-classes.js';
import { toDriverError } from '#drivers/hyperv/wsman/driver-error.js';
import { decodeEmbedded } from '#drivers/hyperv/wsman/embedded.js';
import { WsmanFault } from '#drivers/hyperv/wsman/fault.js';
import { decodeInstance, decodeReference, type Instance } from '#drivers/hyperv/wsman/instance.js';
import { namespaces } from '#drivers/hyperv/wsman/names.js';
import { decodeReply } from '#drivers/hyperv/wsman/reply.js';
import { elements, type XmlElement } from '#drivers/xml/tree.js';
import { checkData, seedTexts, type Target, unlessRefused } from '../target.js';

const { soap, addressing, wsman, xsi } = namespaces;
const envelope = (body: string): string =>
  `<s:Envelope xmlns:s="${soap}" xmlns:a="${addressing}" xmlns:w="${wsman}" xmlns:xsi="${xsi}"><s:Body>${body}</s:Body></s:Envelope>`;
const uri = 'http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_ComputerSystem';
const system = `<p:Msvm_ComputerSystem xmlns:p="${uri}"><p:Name>A</p:Name><p:EnabledState>2</p:EnabledState><p:OtherEnabledState xsi:nil="true"/>
<p:OperationalStatus>2</p:OperationalStatus><p:OperationalStatus>3</p:OperationalStatus><p:At><c:Datetime xmlns:c="http://schemas.dmtf.org/wbem/wscim/1/common">2026-01-01T00:00:00Z</c:Datetime></p:At></p:Msvm_ComputerSystem>`;
const reference = `<a:EndpointReference><a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>${uri}</w:ResourceURI>
<w:SelectorSet><w:Selector Name="Name">A</w:Selector></w:SelectorSet></a:ReferenceParameters></a:EndpointReference>`;
const fault = `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>w:AccessDenied</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text></s:Reason>
<s:Detail><f:WSManFault xmlns:f="${namespaces.fault}" Code="5"><f:Message>Access is denied.</f:Message></f:WSManFault></s:Detail></s:Fault>`;
const embedded =
  '<INSTANCE CLASSNAME="A"><PROPERTY NAME="B" TYPE="string"><VALUE>c</VALUE></PROPERTY><PROPERTY.ARRAY NAME="D" TYPE="uint16"><VALUE.ARRAY><VALUE>1</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>';

const refused = [DriverError];
/** Beside the classes their module has fields that several share. */
const known = Object.values({ ...classes, ...wiringClasses }).filter((each) => 'keys' in each) as readonly WmiClass<
  Fields,
  Fields,
  Fields
>[];

/** As every class in both versions: a host may give one for another. */
function decodeObjects(instance: Instance): void {
  for (const version of ['v1', 'v2'] as const)
    for (const each of known) checkData(unlessRefused<unknown>(refused, () => decodeObject(each, version, instance)));
}

function decodeAll(body: XmlElement): void {
  for (const each of elements(body)) {
    checkData(unlessRefused(refused, () => decodeReference(each)));
    const instance = unlessRefused(refused, () => decodeInstance(each));
    checkData(instance);
    if (instance !== undefined) decodeObjects(instance);
  }
}

function read(text: string): void {
  try {
    const body = unlessRefused(refused, () => decodeReply('Get', text));
    if (body !== undefined) decodeAll(body);
  } catch (reason) {
    if (!(reason instanceof WsmanFault)) throw reason;
    toDriverError(reason);
  }
}

const challenge = encodeChallenge(
  { flags: wanted, challenge: Buffer.alloc(8, 1), targetInfo: [{ id: 1, value: Buffer.from('H') }] },
  'HOST',
);

export const hypervTargets: readonly Target[] = [
  { name: 'hyperv-replies', seeds: seedTexts(...[system, reference, fault].map(envelope)), read: (bytes) => read(bytes.toString('utf8')) },
  {
    name: 'hyperv-embedded',
    seeds: seedTexts(embedded),
    read: (bytes) => checkData(unlessRefused(refused, () => decodeEmbedded(bytes.toString('utf8')))),
  },
  { name: 'hyperv-login', seeds: [challenge], read: (bytes) => void unlessRefused(refused, () => decodeChallenge(bytes)) },
];
