import { DriverError } from '#drivers/error.js';
import { readGlance, readNative, shapeOf } from '#drivers/vsphere/config/native.js';
import { toDriverError } from '#drivers/vsphere/soap/driver-error.js';
import { decodeReply, type Operation } from '#drivers/vsphere/soap/envelope.js';
import { VimFault } from '#drivers/vsphere/soap/fault.js';
import * as operations from '#drivers/vsphere/soap/operations.js';
import { Properties } from '#drivers/vsphere/soap/properties.js';
import { elements } from '#drivers/xml/tree.js';
import { checkData, seedTexts, type Target, unlessRefused } from '../target.js';

type Asked = Pick<Operation<unknown, unknown>, 'name' | 'result'>;

const asked: readonly Asked[] = Object.values(operations).flatMap((each) => ('result' in each ? [each] : []));

const envelope = (body: string): string =>
  `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"><e:Body>${body}</e:Body></e:Envelope>`;
const answer = (name: string, content: string): string =>
  envelope(`<${name}Response xmlns="urn:vim25"><returnval>${content}</returnval></${name}Response>`);

const property = (name: string, type: string, value: string): string =>
  `<propSet><name>${name}</name><val x:type="${type}">${value}</val></propSet>`;
const device =
  '<VirtualDevice x:type="VirtualDisk"><key>2000</key><controllerKey>1000</controllerKey><unitNumber>0</unitNumber></VirtualDevice>';
const controller =
  '<VirtualDevice x:type="ParaVirtualSCSIController"><key>1000</key><busNumber>0</busNumber><sharedBus>noSharing</sharedBus></VirtualDevice>';
const machine = `<objects><obj type="VirtualMachine">vm-1</obj>${property('name', 'xs:string', 'shop%2fweb')}${property('config.template', 'xs:boolean', 'false')}
${property('runtime.powerState', 'VirtualMachinePowerState', 'poweredOn')}${property('config.hardware.numCPU', 'xs:int', '2')}
${property('config.hardware.device', 'ArrayOfVirtualDevice', device + controller)}${property('config.hardware.memoryMB', 'xs:int', '64')}
<missingSet><path>a</path><fault><fault x:type="NoPermission"><object type="Folder">f</object></fault><localizedMessage>no</localizedMessage></fault></missingSet></objects>`;
const update = `<version>2</version><truncated>false</truncated><filterSet><filter type="PropertyFilter">f</filter><objectSet><kind>modify</kind>
<obj type="VirtualMachine">vm-1</obj><changeSet><name>name</name><op>assign</op><val x:type="xs:string">a</val></changeSet></objectSet></filterSet>`;
const fault =
  envelope(`<e:Fault><faultcode>ServerFaultCode</faultcode><faultstring>A general error.</faultstring><detail><SystemErrorFault xmlns="urn:vim25"
 x:type="SystemError"><faultCause><fault x:type="NoDiskSpace"><datastore>d</datastore></fault><localizedMessage>full</localizedMessage></faultCause><reason>r</reason></SystemErrorFault></detail></e:Fault>`);

/** As the question that the reply says it answers; a fault is told as what it means. */
function decode(text: string): unknown {
  const name = /([A-Za-z_]+)Response/.exec(text)?.[1];
  const operation: Asked = asked.find((each) => each.name === name) ?? operations.retrievePropertiesEx;
  try {
    return unlessRefused<unknown>([DriverError], () => decodeReply(operation, text));
  } catch (reason) {
    if (!(reason instanceof VimFault)) throw reason;
    return void toDriverError(reason);
  }
}

function machinesOf(text: string): void {
  const found = unlessRefused([DriverError, VimFault], () => decodeReply(operations.retrievePropertiesEx, text));
  for (const object of found?.objects ?? []) {
    const properties = new Properties(object);
    const devices = elements(properties.element('config.hardware.device'));
    checkData(unlessRefused([DriverError], () => readGlance(properties)));
    const native = unlessRefused([DriverError], () => readNative(properties, devices));
    if (native !== undefined) checkData(unlessRefused([DriverError], () => shapeOf(native, [])));
  }
}

export const vsphereTargets: readonly Target[] = [
  {
    name: 'vsphere-replies',
    seeds: seedTexts(
      answer('RetrievePropertiesEx', machine),
      answer('WaitForUpdatesEx', update),
      answer('Login', '<key>k</key>'),
      answer('CreateVM_Task', '').replace('<returnval>', '<returnval type="Task">task-1'),
      fault,
    ),
    read: (bytes) => {
      const text = bytes.toString('utf8');
      checkData(decode(text));
      machinesOf(text);
    },
  },
];
