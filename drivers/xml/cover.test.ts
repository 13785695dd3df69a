import t from 'tap';
import { coverSecrets } from './cover.js';
import { parseXml } from './parse.js';
import { serializeXml } from './serialize.js';

const qemu = (...inside: readonly string[]) =>
  `<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:commandline>${inside.join('')}</qemu:commandline></domain>`;
const covered = (text: string) => serializeXml(coverSecrets(parseXml(text, 'x')));
const argument = (value: string) => `<qemu:arg value='${value}'/>`;

t.test('wherever others have written a secret, it is not told', async (t) => {
  for (const text of [
    "<domain><devices><graphics type='vnc' passwd='geheim'/></devices></domain>",
    '<domain><volume><encryption><passphrase/><password>geheim</password></encryption></volume></domain>',
    '<domain><option><key>db.password</key><value>geheim</value></option></domain>',
    '<domain><os><cmdline>root=/dev/vda password=geheim quiet</cmdline></os></domain>',
    qemu("<qemu:env name='SPICE_PASSWORD' value='geheim'/>"),
    qemu("<qemu:env name='VAULT_TOKEN' value='geheim'/>"),
    qemu(argument('-object'), argument('secret,id=sec0,data=geheim')),
    qemu(argument('-object'), argument('secret,id=sec0,format=raw,data=geheim,x=y')),
    qemu(argument('-object'), argument('{"qom-type":"secret","id":"sec0","data":"geheim"}')),
    qemu(argument('-object'), argument('{"qom-type": "secret", "data": "ge\\"heim geheim"}')),
    qemu(argument('-blockdev'), argument('{"driver":"http","username":"me","password":"geheim"}')),
    qemu(argument('-drive'), argument('driver=http,password-secret=sec0,password=geheim')),
    qemu(argument('-drive'), argument('driver=http,password=a,,geheim,x=y')),
    qemu(argument('-object'), argument('secret,id=sec0,data=a,,geheim')),
    qemu(argument('-chardev'), argument('socket,id=c,token=geheim')),
    qemu(argument('-chardev'), argument('socket,id=c,credentials=geheim,api-key=geheim')),
    qemu(argument('-fw_cfg'), argument('name=opt/x,string=api_key=geheim')),
    qemu(argument('-fw_cfg'), argument('{"api_key":"geheim","access_token" : "geheim","apiKey":"geheim"}')),
    '<domain><os><cmdline>root=/dev/vda join_token=geheim</cmdline></os></domain>',
  ]) {
    const told = covered(text);
    t.notMatch(told, /geheim/, text);
    t.match(told, /\*\*\*/);
  }
});

t.test('and nothing else is covered', async (t) => {
  for (const text of [
    qemu("<qemu:env name='LANG' value='C'/>", argument('-object'), argument('rng-random,id=r,filename=/dev/urandom')),
    qemu(argument('-device'), argument('x,data=1')),
    qemu(argument('-device'), argument('x,tokens=1,api_keyboard=us,,de'), argument('{"driver":"usb-kbd","tokenizer":"x"}')),
    "<domain><devices><disk><auth><secret type='ceph' uuid='11111111-2222-4333-8444-555555555501'/></auth></disk></devices></domain>",
  ])
    t.equal(covered(text), serializeXml(parseXml(text, 'x')));
});
