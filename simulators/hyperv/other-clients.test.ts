import t from 'tap';
import { Simulator } from './simulator.js';

t.test('what clients of other kinds ask by is answered, or refused by its name', async (t) => {
  const folder = t.testdir({ C: {} });
  const users = [{ name: 'Administrator', password: 'secret' }];
  const simulator = await Simulator.start({ mode: 'v2', folder, users, ways: { basic: true, unencrypted: true } });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const at = (path: string) => `http://127.0.0.1:${simulator.port}${path}`;
  const headers = { Authorization: `Basic ${btoa('Administrator:secret')}`, 'Content-Type': 'application/soap+xml;charset=UTF-8' };
  const listed = async (filter: string, path = '/wsman') => {
    const { wmi, soap } = { wmi: 'http://schemas.microsoft.com/wbem/wsman/1', soap: 'http://www.w3.org/2003/05/soap-envelope' };
    const body =
      `<s:Envelope xmlns:s="${soap}" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
      ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><s:Header>' +
      '<a:Action>http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate</a:Action>' +
      `<w:ResourceURI>${wmi}/wmi/root/cimv2/*</w:ResourceURI></s:Header><s:Body><n:Enumerate><w:OptimizeEnumeration/>` +
      `<w:MaxElements>9</w:MaxElements>${filter.replace('WQL', `${wmi}/WQL`)}</n:Enumerate></s:Body></s:Envelope>`;
    const response = await fetch(at(path), { method: 'POST', headers, body });
    return `${response.status} ${await response.text()}`;
  };
  const some = await listed('<w:Filter Dialect="WQL">select name, DriveType from Win32_LogicalDisk where Name = "C:"</w:Filter>');
  t.match(some, /^200 .*<w:Items><w:XmlFragment>(<p:\w+[^<]*<\/p:\w+>){2}<\/w:XmlFragment><\/w:Items>/s);
  t.match(some, /<p:Name[^>]*>C:<\/p:Name>/);
  for (const query of ['SELECT Nmae FROM Win32_LogicalDisk', 'SELECT * FROM Win32_LogicalDisk WHERE DriveType = 3 AND NOT (Nmae IS NULL)'])
    t.match(
      await listed(`<w:Filter Dialect="WQL">${query}</w:Filter>`),
      /^400 .*n:CannotProcessFilter.*Win32_LogicalDisk has no property Nmae/s,
    );
  t.match(await listed('<w:Filter Dialect="WQL">SELECT __PATH, name FROM Win32_LogicalDisk WHERE __CLASS = "x"</w:Filter>'), /^200 /);
  const whole = '<w:Filter Dialect="WQL">SELECT * FROM Win32_OperatingSystem</w:Filter>';
  t.match(await listed(whole, '/WSMAN?PSVersion=5.1.17763.1'), /^200 .*<p:Win32_OperatingSystem/s);
  t.match(
    await listed('<w:Filter Dialect="urn:cql">SELECT *</w:Filter>'),
    /^400 .*FilterDialectRequestedUnavailable.*urn:cql is not supported/s,
  );
  const got = await fetch(at('/wsman'), { headers });
  t.same([got.status, got.headers.get('Allow')], [405, 'POST']);
  t.equal((await fetch(at('/'), { method: 'POST', headers })).status, 404);
});
