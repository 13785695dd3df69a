import t from 'tap';
import { parseHypervUri } from './uri.js';

t.test('a host is read as libvirt reads it', async (t) => {
  const https = { host: 'hv1', port: 5986, transport: 'https', auth: 'ntlm', smb: 445 };
  t.same(parseHypervUri('hyperv://hv1'), https);
  t.same(parseHypervUri('hyperv://hv1/?transport=https'), https);
  t.same(parseHypervUri('hyperv://hv1/?transport=http'), { host: 'hv1', port: 5985, transport: 'http', auth: 'ntlm', smb: 445 });
  t.match(parseHypervUri('hyperv://[::1]:15985?transport=http'), { host: '::1', port: 15985, transport: 'http', auth: 'ntlm' });
  t.same(parseHypervUri('hyperv://hv1/?auth=kerberos'), { ...https, auth: 'kerberos' });
  t.same(parseHypervUri('hyperv://hv1/?auth=basic&transport=https'), { ...https, auth: 'basic' });
  t.same(parseHypervUri('hyperv://hv1/?smb=1445'), { ...https, smb: 1445 });
  t.match(parseHypervUri('hyperv://hv1/?transport=http&smb=off'), { transport: 'http', smb: 'off' });
});

t.test('anything else is refused, and no password is told', async (t) => {
  for (const [text, why] of [
    ['', /no URI/],
    ['esx://hv1', /scheme/],
    ['hyperv://', /no URI|host is missing/],
    ['hyperv:///', /host is missing/],
    ['hyperv://hv1/system', /no path/],
    ['hyperv://me:hunter2@hv1', /Secret/],
    ['hyperv://hv1/?no_verify=1', /always verified/],
    ['hyperv://hv1/?transport=telnet', /neither https nor http/],
    ['hyperv://hv1/?transport=http&transport=https', /nothing but transport/],
    ['hyperv://hv1/?socket=/x', /nothing but transport/],
    ['hyperv://hv1/?auth=digest', /auth "digest" is not known/],
    ['hyperv://hv1/?transport=http&auth=basic', /auth=basic seals nothing, and goes by HTTPS alone/],
    ['hyperv://hv1/?auth=ntlm&auth=basic', /each once/],
    ['hyperv://hv1/?smb=off&smb=445', /each once/],
    ['hyperv://hv1/?smb=0', /smb "0" is neither a port, from 1 to 65535, nor off/],
    ['hyperv://hv1/?smb=65536', /smb "65536" is neither a port/],
    ['hyperv://hv1/?smb=', /smb "" is neither a port/],
    ['hyperv://hv1/#x', /nothing but transport/],
  ] as const) {
    t.throws(() => parseHypervUri(text), { code: 'Invalid', message: why }, text);
    t.throws(() => parseHypervUri(text), { message: /accepted: hyperv:/ });
  }
  for (const secret of ['hunter2', 'hun/ter2', 'hun//ter2', 'hun@ter2', 'hun?ter2', 'hun#ter2', 'hun\nter2', 'hun:/@ter2']) {
    const { message } = thrownBy(() => parseHypervUri(`hyperv://me:${secret}@hv1`));
    t.match(message, /^uri "hyperv:\/\/hv1": /, secret);
    t.notMatch(message, /hun|ter2/);
  }
  for (const [text, shown] of [
    ['hyperv:me:hunter2@hv1', 'hyperv://hv1'],
    ['hyperv:/me:hunter2@hv1', 'hyperv://hv1'],
    ['/me:hunter2@hv1', '//hv1'],
  ] as const)
    t.match(thrownBy(() => parseHypervUri(text)).message, `uri "${shown}": `, text);
});

function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (reason) {
    if (reason instanceof Error) return reason;
  }
  throw new Error('nothing is refused');
}
