import t, { type Test } from 'tap';
import { Simulator } from './simulator.js';
import { ns } from './wsman/names.js';

const wmi = 'http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/*';
const wql = 'http://schemas.microsoft.com/wbem/wsman/1/WQL';

async function host(t: Test, maxExpiresMs?: number) {
  const users = [{ name: 'Administrator', password: 'secret' }];
  const ways = { basic: true, unencrypted: true };
  const limit = maxExpiresMs === undefined ? {} : { maxExpiresMs };
  const simulator = await Simulator.start({ mode: 'v2', folder: t.testdir(), users, ways, ...limit });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const asked = async (action: string, body: string, head = ''): Promise<string> => {
    const message =
      `<s:Envelope xmlns:s="${ns.soap}" xmlns:a="${ns.addressing}" xmlns:w="${ns.wsman}" xmlns:e="${ns.eventing}" xmlns:n="${ns.enumeration}">` +
      `<s:Header><a:Action>${action}</a:Action><w:ResourceURI>${wmi}</w:ResourceURI><w:OperationTimeout>PT0.050S</w:OperationTimeout>${head}` +
      `</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
    const headers = { Authorization: `Basic ${btoa('Administrator:secret')}`, 'Content-Type': 'application/soap+xml;charset=UTF-8' };
    return (await fetch(`http://127.0.0.1:${simulator.port}/wsman`, { method: 'POST', headers, body: message })).text();
  };
  const filter = `<w:Filter Dialect="${wql}">SELECT * FROM __InstanceCreationEvent WITHIN 2</w:Filter>`;
  const subscribe = (expires: string, mode = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull') =>
    asked(`${ns.eventing}/Subscribe`, `<e:Subscribe><e:Delivery Mode="${mode}"/>${expires}${filter}</e:Subscribe>`);
  const renew = (id: string) =>
    asked(`${ns.eventing}/Renew`, '<e:Renew><e:Expires>PT60S</e:Expires></e:Renew>', `<e:Identifier>${id}</e:Identifier>`);
  const pull = (id: string) => asked(`${ns.enumeration}/Pull`, `<n:Pull><n:EnumerationContext>${id}</n:EnumerationContext></n:Pull>`);
  return { simulator, subscribe, renew, pull };
}

const idIn = (reply: string): string => /<e:Identifier>([^<]+)</.exec(reply)?.[1] ?? 'none';

t.test('a subscription is renewed while it is there, and pulled from until its time is up', async (t) => {
  const { simulator, subscribe, renew, pull } = await host(t, 400);
  const made = await subscribe('<e:Expires>PT10M</e:Expires>');
  t.match(made, /<e:Expires>PT0\.400S<\/e:Expires>/, 'less is granted than was asked for');
  t.match(await renew(idIn(made)), /<e:RenewResponse><e:Expires>PT0\.400S<\/e:Expires><\/e:RenewResponse>/);
  while (simulator.open > 0) if (/InvalidEnumerationContext/.test(await pull(idIn(made)))) break;
  t.match(await pull(idIn(made)), /<s:Value>n:InvalidEnumerationContext<\/s:Value>.*Code="2150858779"/s);
  t.match(await renew(idIn(made)), /<s:Value>n:InvalidEnumerationContext<\/s:Value>/);
});

for (const [what, expires, mode, why] of [
  ['no time at all', '<e:Expires>PT0S</e:Expires>', undefined, /e:InvalidExpirationTime.*Code="2150858783"/s],
  ['a point in time', '<e:Expires>2030-01-01T00:00:00Z</e:Expires>', undefined, /e:UnsupportedExpirationType.*Code="2150858784"/s],
  ['events that are pushed', '', 'http://schemas.xmlsoap.org/ws/2004/08/eventing/DeliveryModes/Push', /e:DeliveryModeRequestedUnavailable/],
] as const)
  t.test(`${what} is refused`, async (t) => {
    const { subscribe } = await host(t);
    t.match(await subscribe(expires, mode), why);
  });
