import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePorts, refuseTakenPorts } from './ports.ts';

test('free ports are distinct and pass', async () => {
  const ports = await freePorts(['A_PORT', 'B_PORT', 'C_PORT']);
  expect(new Set(Object.values(ports)).size).toBe(3);
  await refuseTakenPorts(ports);
});

test('all that is wrong is told at once: who has a port, and which variables ask for the same', async () => {
  const { A_PORT, B_PORT } = await freePorts(['A_PORT', 'B_PORT']);
  const server = createServer().listen(A_PORT, '127.0.0.1');
  await once(server, 'listening');

  const refusal = expect(refuseTakenPorts({ A_PORT, B_PORT, C_PORT: B_PORT })).rejects;
  await refusal.toThrow(new RegExp(`Port ${A_PORT} is taken by pid ${process.pid} \\(.*Choose another with A_PORT`));
  await refusal.toThrow(`Port ${B_PORT} is asked for by C_PORT as well. Choose another with B_PORT.`);
  server.close();
});
