import { codes, Refusal } from '../cim/codes.js';
import type { Input, Output } from '../cim/namespace.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import { problems } from '../cim/problem.js';
import type { Host } from '../model/host.js';
import type { Machine } from '../model/machine.js';
import type { Power } from '../model/power.js';
import { type Methods, ofJob, oneObject, refused, text } from './methods.js';

/** The machine that an object is, or is a part of. @throws Problem */
export function machineOf(host: Host, of: CimObject): Machine {
  const names = ['SystemName', 'Name'].map((name) => textOfValue(of, name) ?? '');
  const id = /^Microsoft:([0-9A-F-]{36})/i.exec(textOfValue(of, 'InstanceID') ?? '')?.[1] ?? '';
  const found = [...names, id].map((each) => host.machines.get(each.toUpperCase())).find((machine) => machine !== undefined);
  if (found === undefined) throw problems.noObject();
  return found;
}

/** What is asked in the same way in both versions. */
export function commonMethods(host: Host, power: Power): Methods {
  return {
    'Msvm_ComputerSystem.RequestStateChange': (target, input) => {
      const verb = host.words.requests[Number(text(input, 'RequestedState'))];
      try {
        if (verb === undefined) throw new Refusal(codes.invalidParameter, 'This state cannot be requested.');
        return ofJob(power.request(machineOf(host, target), verb));
      } catch (reason) {
        return refused(reason);
      }
    },
    'Msvm_ShutdownComponent.InitiateShutdown': (target) => {
      try {
        power.shutDown(machineOf(host, target), 'off');
        return { returnValue: codes.done };
      } catch (reason) {
        return refused(reason);
      }
    },
    'Msvm_ShutdownComponent.InitiateReboot': (target) => {
      try {
        power.shutDown(machineOf(host, target), 'running');
        return { returnValue: codes.done };
      } catch (reason) {
        return refused(reason);
      }
    },
    'Msvm_Keyboard.PressKey': () => ({ returnValue: codes.done }),
    'Msvm_Keyboard.ReleaseKey': () => ({ returnValue: codes.done }),
    'Msvm_Keyboard.TypeKey': () => ({ returnValue: codes.done }),
    'Msvm_Keyboard.TypeText': () => ({ returnValue: codes.done }),
    'Msvm_Keyboard.TypeCtrlAltDel': () => ({ returnValue: codes.done }),
    ...jobMethods(host, 'Msvm_ConcreteJob'),
    ...jobMethods(host, 'Msvm_StorageJob'),
    ...jobMethods(host, 'Msvm_NetworkJob'),
  };
}

function jobMethods(host: Host, className: string): Methods {
  return {
    [`${className}.RequestStateChange`]: (target) => {
      const job = host.jobs.find(textOfValue(target, 'InstanceID') ?? '');
      if (job !== undefined) host.jobs.kill(job);
      return { returnValue: codes.done };
    },
    [`${className}.GetErrorEx`]: (target) => {
      const failure = host.jobs.find(textOfValue(target, 'InstanceID') ?? '')?.failure;
      const error =
        failure === undefined
          ? []
          : [
              `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="ErrorCode" TYPE="uint32"><VALUE>${failure.code}</VALUE></PROPERTY>` +
                `<PROPERTY NAME="Message" TYPE="string"><VALUE>${failure.message.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</VALUE></PROPERTY></INSTANCE>`,
            ];
      return { returnValue: codes.done, values: { Errors: error } };
    },
  };
}

/** What a machine's screen shows, at the size that is asked for. */
export function picture(host: Host, input: Input): Output {
  const machine = machineOf(host, oneObject(input, 'TargetSystem'));
  const [width, height] = [Number(text(input, 'WidthPixels')), Number(text(input, 'HeightPixels'))];
  if (!(width > 0 && width <= 4096 && height > 0 && height <= 4096)) return { returnValue: codes.invalidParameter };
  return { returnValue: codes.done, values: { ImageData: thumbnail(width, height, machine.state === 'running') } };
}

/** Two bytes a pixel (RGB565, little endian), as Base64. */
function thumbnail(width: number, height: number, on: boolean): string {
  const pixels = Buffer.alloc(width * height * 2);
  for (let at = 0; on && at < width * height; at++) pixels.writeUInt16LE(((at % width) * 32) / width >= 16 ? 0x001f : 0xf800, at * 2);
  return pixels.toString('base64');
}
