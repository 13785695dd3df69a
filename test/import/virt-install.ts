import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = '/usr/bin/virt-install';

/** Undefined where it is installed, or has to be: else what to do. */
export const lacking = existsSync(program) || process.env['CI'] === 'true' ? undefined : 'needs virtinst: apt-get install virtinst';

/** What people ask of virt-install; `VOLUME` is a volume that is made for it. */
export const variants: Readonly<Record<string, string>> = {
  least: '--disk none --network none --graphics none',
  usual: '--disk vol=VOLUME --network network=theirs --graphics vnc',
  desktop:
    '--disk vol=VOLUME,bus=virtio --graphics spice --sound ich9 --video qxl --channel spicevmc --redirdev usb --input tablet --network network=theirs',
  sata: '--disk vol=VOLUME,bus=sata,cache=none,discard=unmap,serial=ABC-1 --network none --graphics none',
  scsi: '--controller scsi,model=virtio-scsi --disk vol=VOLUME,bus=scsi --network none --graphics none',
  uefi: '--disk vol=VOLUME --boot uefi --network network=theirs,model=e1000e --graphics none',
  secure:
    '--machine q35 --disk vol=VOLUME --boot uefi,loader_secure=yes --tpm model=tpm-crb,backend.type=emulator,backend.version=2.0 --graphics none --network network=theirs',
  growing: '--disk none --network none --vcpus 2,maxvcpus=4 --graphics none --memorybacking hugepages=on',
  drive:
    '--disk vol=VOLUME --disk device=cdrom,bus=sata --boot hd,cdrom --graphics vnc,password=geheim,listen=127.0.0.1 --network network=theirs',
  old: '--machine pc --disk vol=VOLUME,bus=ide --network user,model=rtl8139 --graphics none --watchdog i6300esb',
  tuned:
    '--disk vol=VOLUME --network network=theirs,mac=52:54:00:aa:bb:0a --cputune shares=512 --numatune 0 --blkiotune weight=200 --graphics none',
  agents:
    '--disk vol=VOLUME --rng /dev/urandom --serial pty --console pty,target.type=virtio --panic default --graphics none --network network=theirs',
  shares: '--disk vol=VOLUME --filesystem /tmp,shared --network none --graphics none --metadata title=Shares',
};

/** The definition that it would make, of a machine that is off. */
export async function definedBy(uri: string, name: string, asked: string, volume: string): Promise<string> {
  const fixed = ['--connect', uri, '--name', name, '--virt-type', 'qemu', '--memory', '64', '--osinfo', 'generic', '--import'];
  const words = asked.replaceAll('VOLUME', volume).split(' ');
  const { stdout } = await run(program, [...fixed, ...words, '--dry-run', '--print-xml', '1'], {
    env: { ...process.env, HOME: '/nonexistent' },
  });
  return stdout;
}
