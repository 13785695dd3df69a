import t from 'tap';
import { parseVsphereUri } from './uri.js';

t.test('a URI names an ESX host, or a part of a vCenter', async (t) => {
  t.same(parseVsphereUri('esx://esx1.example.org'), { kind: 'esx', host: 'esx1.example.org', port: 443, path: [] });
  t.same(parseVsphereUri('esx://[::1]:8989/'), { kind: 'esx', host: '::1', port: 8989, path: [] });
  const { path, ...vcenter } = parseVsphereUri('vpx://vc.example.org/Main%20Site/a%2Fb/esx%C3%BC');
  t.same(vcenter, { kind: 'vcenter', host: 'vc.example.org', port: 443 });
  t.same(path, ['Main Site', 'a/b', 'esxü'], 'names are percent-encoded');
});

for (const [uri, why] of Object.entries({
  '': 'it is no URI',
  'esx:': 'the host is missing',
  'esx://': 'the host is missing',
  'http://esx1': 'scheme is not known',
  'esx://esx1/DC0': 'an ESX host has no path',
  'vpx://vc': 'needs the path of a cluster or host',
  'vpx://vc/DC0': 'needs the path of a cluster or host',
  'vpx://vc/DC0/%zz': '"%zz" is not percent-encoded',
  'esx://esx1?no_verify=1': 'TLS is always verified',
  'esx://esx1?transport=https': 'nothing may follow the path',
  'esx://root:hunter2@esx1': 'user and password stand in the Secret',
  'esx://hunter2@': '.',
}))
  t.test(`${JSON.stringify(uri)} is refused`, async (t) => {
    t.throws(() => parseVsphereUri(uri), { code: 'Invalid', message: new RegExp(`${why}.*accepted: esx://`) });
    t.throws(() => parseVsphereUri(uri), { message: /^(?!.*hunter2)/ }, 'and no password is quoted');
  });
