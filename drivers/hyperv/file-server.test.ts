import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { until } from '#test/cluster/until.js';
import { SharedFolder } from './file-server.js';
import { HostFiles } from './files.js';
import { WsmanClient } from './wsman/client.js';
import { Lanes } from './wsman/lanes.js';

const page = (kind: string) =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><s:Body><n:${kind}Response><n:EnumerationContext>c</n:EnumerationContext><n:Items><p:Win32_Share xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Share"/></n:Items></n:${kind}Response></s:Body></s:Envelope>`;

t.test('a file server that lists and lists is asked no longer than somebody waits', async (t) => {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const [kind = ''] = /Enumerate|Pull|Release/.exec(/Action[^<]*/.exec(await text(request))?.[0] ?? '') ?? [];
    asked.push(kind);
    response.end(page(kind));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new WsmanClient(new Lanes({ host: '127.0.0.1', port }, { kind: 'basic', username: 'a', password: 'b' }));
  t.teardown(async () => {
    await client[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });
  const folder = new SharedFolder('\\\\fs1\\vms', new HostFiles(client), 2_000);
  const life = new AbortController().signal;
  const late = { code: 'TimedOut', message: /^file server "fs1": .*no answer within 2 s/ };
  await t.rejects(folder.look(life), late);
  await until(() => asked.includes('Release'));
  t.equal(asked[0], 'Enumerate');
  t.ok(asked.includes('Pull'));
  const before = asked.length;
  await t.rejects(client.identify(AbortSignal.timeout(5_000)), { code: 'Internal' });
  t.same(asked.slice(before), [''], 'nothing else is asked any more');
});
