import fc from 'fast-check';
import t from 'tap';
import { mapChildren, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { readMark, withMark } from './metadata.js';
import { namesInMetadata } from './names-in-metadata.js';

const mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: 'u1' }, record: '{}' };
const disk = (dev: string, alias = '') => `<disk type='file'><target dev='${dev}' bus='virtio'/>${alias}</disk>`;
const card = (mac: string, alias = '') => `<interface type='network'><mac address='${mac}'/>${alias}</interface>`;
const named = (name: string) => `<alias name='ua-${name}'/>`;
const domain = (devices: string) => withMark(parseXml(`<domain><name>db</name><devices>${devices}</devices></domain>`, 'test'), mark);

/** As a driver of libvirt's that knows no aliases of its users gives back what it was given; those of its own it makes up. */
const forgetful = (written: XmlElement): XmlElement =>
  parseXml(
    serializeXml(
      withChild(written, element('devices'), (devices) =>
        mapChildren(devices, (device) => (device.kind === 'element' ? withoutChildren(device, (each) => each.name === 'alias') : device)),
      ),
    ),
    'given back',
  );

t.test('a host that drops aliases gives them back all the same', async (t) => {
  const ours = domain(disk('vda', named('root')) + disk('vdb') + card('52:54:00:00:00:01', named('net_lan')) + card('52:54:00:00:00:02'));
  const back = namesInMetadata.read(forgetful(namesInMetadata.write(ours)));
  const devices = (xml: XmlElement) => /<devices>.*<\/devices>/.exec(serializeXml(xml))?.[0];
  t.equal(devices(back), devices(ours));
  t.strictSame(readMark(back), mark, 'the mark is beside');
  t.equal(namesInMetadata.read(back), back, 'one that keeps them is read as it is');
  t.equal(namesInMetadata.read(domain(disk('vda'))).name, 'domain', 'nobody named anything');
});

t.test('names go with their devices, and one that was renamed has its new name', async (t) => {
  const first = namesInMetadata.write(domain(disk('vda', named('root')) + disk('vdb', named('data'))));
  const left = namesInMetadata.write(domain(disk('vdb', named('logs'))));
  t.match(serializeXml(first), /key="disk vda" alias="ua-root".*key="disk vdb" alias="ua-data"/);
  t.match(serializeXml(left), /key="disk vdb" alias="ua-logs"/);
  t.notMatch(serializeXml(left), 'vda');
  const bare = withoutChildren(first, (each) => each.name === 'devices');
  t.notMatch(serializeXml(namesInMetadata.write(bare)), 'virtwright-devices', 'and nothing is left of the list');
});

t.test('what else was noted of a machine that was adopted stays, whatever becomes of its names', async (t) => {
  const noted = namesInMetadata.write(domain(disk('vda', named('root'))));
  const adopted = parseXml(serializeXml(noted).replace(/<(virtwright-devices:devices)/, '<$1 autostart="yes"'), 'adopted');
  const renamed = withChild(adopted, element('devices'), () => element('devices', {}, parseXml(disk('vdb', named('data')), 'disk')));
  t.match(serializeXml(namesInMetadata.write(renamed)), /autostart="yes"[^>]*><virtwright-devices:device key="disk vdb"/);
  const bare = withoutChildren(adopted, (each) => each.name === 'devices');
  t.match(serializeXml(namesInMetadata.write(bare)), /autostart="yes"/);
});

t.test('whatever the names, they come back', async (t) => {
  const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 8 }), (names) => {
      const ours = domain(names.map((each, at) => disk(`vd${String.fromCharCode(97 + at)}`, named(each))).join(''));
      const back = namesInMetadata.read(forgetful(namesInMetadata.write(ours)));
      for (const each of names) t.ok(serializeXml(back).includes(`ua-${each}"`));
    }),
    { numRuns: 50 },
  );
});
