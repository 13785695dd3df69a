import t from 'tap';
import type { ComPortName } from '#drivers/driver.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';
import { pipeFor } from './pipes.js';

t.setTimeout(300_000);

const theirs = '\\\\.\\pipe\\Debugger';

for (const mode of ['v2', 'v1'] as const) {
  const started = async (t: Parameters<typeof hypervHost>[0]) => {
    const host = await hypervHost(t, mode);
    const id = await host.driver.machines.define(definition, mark, soon());
    const native = host.simulator.machineNamed(definition.nativeName);
    if (native === undefined) throw new Error('no machine');
    const isPort = (name: string) => native.devices.find(({ values }) => values['ElementName'] === name);
    const pipes = () => ['COM 1', 'COM 2'].map((name) => [isPort(name)?.values['Connection'] ?? []].flat()[0]);
    const connect = (name: string, pipe: string) => {
      const port = isPort(name);
      if (port === undefined) throw new Error(`no ${name}`);
      native.replaceDevice(port, { Connection: [pipe] });
    };
    const ask = (...comPorts: readonly ComPortName[]) =>
      host.driver.machines.define({ ...definition, ...(comPorts.length === 0 ? {} : { hyperv: { comPorts } }) }, mark, soon());
    return { ...host, id, native, pipes, connect, ask };
  };

  t.test(`${mode}: a COM port ends in a pipe that no other machine has, and status names it`, async (t) => {
    const { id, driver, pipes, ask, read, native } = await started(t);
    t.same(pipes(), ['', '']);
    await ask('COM1');
    t.same(pipes(), [`\\\\.\\pipe\\virtwright-${definition.uuid}-com1`, '']);
    t.match(await read(id), { configured: { hyperv: { comPorts: ['COM1'] } }, hardware: { com1: pipeFor(definition.uuid, 'COM1') } });
    const { writes } = native;
    await ask('COM1');
    t.equal(native.writes, writes, 'what is connected is not connected again');
    const other = { ...definition, uuid: '5c3a3b3e-1f0e-4a6e-9a7b-333333333333', nativeName: 'shop.db' };
    const second = await driver.machines.define({ ...other, hyperv: { comPorts: ['COM1', 'COM2'] } }, mark, soon());
    const all = [id, second].map(async (each) =>
      Object.entries((await read(each))?.hardware ?? {}).flatMap(([key, pipe]) => (/^com/.test(key) ? [pipe] : [])),
    );
    const named = (await Promise.all(all)).flat();
    t.equal(new Set(named).size, 3);
    for (const pipe of named) t.match(pipe, /^\\\\\.\\pipe\\[^\\]+$/, 'and none is of another computer');
    await ask();
    t.same(pipes(), ['', '']);
  });

  t.test(`${mode}: what somebody else connected stays, is told, and gives way to who asks for the port`, async (t) => {
    const { id, pipes, ask, connect, read, native } = await started(t);
    connect('COM 2', theirs);
    const { writes } = native;
    await ask();
    t.equal(native.writes, writes);
    t.match(await read(id), { configured: { hyperv: undefined }, hardware: { com2: theirs } });
    await ask('COM1');
    t.same(pipes(), [pipeFor(definition.uuid, 'COM1'), theirs]);
    await ask('COM2');
    t.same(pipes(), ['', pipeFor(definition.uuid, 'COM2')]);
    connect('COM 2', theirs);
    t.match(await read(id), { configured: { hyperv: undefined } }, 'another hand led it elsewhere');
    await ask();
    t.same(pipes(), ['', theirs], 'theirs is not ours to take away');
  });

  t.test(`${mode}: of a machine that runs a port is connected at its next start`, async (t) => {
    const { id, driver, pipes, ask, read } = await started(t);
    await driver.power.start(id, { paused: false }, soon());
    await ask('COM2');
    t.same(pipes(), ['', '']);
    const waiting = await read(id);
    t.same([waiting?.configured?.hyperv, waiting?.live?.hyperv], [{ comPorts: ['COM2'] }, undefined]);
    await driver.power.cut(id, mark.owner, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.same(pipes(), ['', pipeFor(definition.uuid, 'COM2')]);
    t.same((await read(id))?.live?.hyperv, { comPorts: ['COM2'] });
  });

  t.test(`${mode}: ports are adopted where they are as we connect them, and named where they are not`, async (t) => {
    const { id, driver, pipes, ask, connect, read } = await started(t);
    await ask('COM1');
    connect('COM 2', theirs);
    await driver.adoption?.release(id, mark.owner, soon());
    const { found } = (await read(id)) ?? {};
    t.match(found, { shape: { hyperv: { comPorts: ['COM1'] } }, kept: [`COM2 (${theirs})`] });
    await driver.adoption?.adopt(id, mark, soon());
    await ask('COM1');
    t.same(pipes(), [pipeFor(definition.uuid, 'COM1'), theirs]);
  });

  t.test(`${mode}: what is no set of ports is refused by its field`, async (t) => {
    const { driver } = await hypervHost(t, mode);
    for (const comPorts of [['COM3'], ['COM1', 'COM1'], ['COM2', 'COM1']])
      await t.rejects(driver.machines.define({ ...definition, hyperv: { comPorts: comPorts as ComPortName[] } }, mark, soon()), {
        code: 'Invalid',
        message: /^hyperv\.comPorts: .* accepted: COM1, COM2, each once/,
      });
  });
}
