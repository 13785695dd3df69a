import { access } from 'node:fs/promises';
import { request } from 'node:https';
import t from 'tap';
import { skipWhereMissing } from '#test/peers/build.js';
import { startVcsim, type Vcsim } from './vcsim.js';

const started = async (mode: 'esx' | 'vcenter') => startVcsim({ mode, machines: 1 }).catch((reason) => skipWhereMissing(t, reason));

/** The product's name, as an anonymous asks for it. */
async function about({ port, ca }: Vcsim): Promise<string> {
  const body = `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>
    <RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent>
  </Body></Envelope>`;
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, ca, path: '/sdk', method: 'POST' }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve(/<productLineId>(.*?)<|<apiType>(.*?)</.exec(text)?.[0] ?? text);
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

for (const [mode, product] of Object.entries({ esx: 'embeddedEsx', vcenter: 'vpx' }))
  t.test(`a simulated ${mode} answers by TLS, and leaves nothing behind`, async (t) => {
    const vcsim = await started(mode as 'esx' | 'vcenter');
    t.match(await about(vcsim), product);
    t.match(vcsim.sha256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    await vcsim.stop();
    await t.rejects(about(vcsim), 'nobody listens any more');
    await t.rejects(access(vcsim.folder));
  });
