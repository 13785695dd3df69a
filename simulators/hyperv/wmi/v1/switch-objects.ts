import { type CimObject, textOfValue } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import { type Switch, switchName } from '../../model/switch.js';
import type { Associated, Group } from '../objects.js';

/** Switches, and the ports that cards are plugged into. */
export class SwitchObjects {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  get groups(): readonly Group[] {
    const all = () => [...this.#host.switches.values()];
    return [
      { of: ['Msvm_VirtualSwitch'], objects: () => all().map((each) => this.switch(each)) },
      { of: ['Msvm_SwitchPort'], objects: () => all().flatMap((each) => this.ports(each)) },
    ];
  }

  switch(of: Switch): CimObject {
    const values = {
      ElementName: switchName(of),
      Name: of.id,
      CreationClassName: 'Msvm_VirtualSwitch',
      EnabledState: '5',
      HealthState: of.health,
      OperationalStatus: ['2'],
      ScopeOfResidence: '',
      NumLearnableAddresses: '1024',
    };
    return { className: 'Msvm_VirtualSwitch', values };
  }

  ports({ id, ports }: Switch): readonly CimObject[] {
    const keys = { SystemName: id, SystemCreationClassName: 'Msvm_VirtualSwitch', CreationClassName: 'Msvm_SwitchPort' };
    return ports.map(({ className, values }) => ({ className, values: { ...values, ...keys } }));
  }

  associated(of: CimObject): Associated {
    const found = this.#host.switches.get((textOfValue(of, 'Name') ?? '').toUpperCase());
    return found === undefined ? [] : this.ports(found).map((each) => ['Msvm_HostedAccessPoint', each] as const);
  }
}
