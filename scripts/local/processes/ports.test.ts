import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePorts, refuseTakenPorts } from './ports.ts';

test('free ports are distinct and are not refused', async () => {
  const ports = await freePorts(['A_PORT', 'B_PORT', 'C_PORT']);
  expect(new Set(Object.values(ports)).size).toBe(3);
  await refuseTakenPorts(ports);
});

test('one error lists the owners of all taken ports and all variables that set the same port', async () => {
  const { A_PORT, B_PORT } = await freePorts(['A_PORT', 'B_PORT']);
  const server = createServer().listen(A_PORT, '127.0.0.1');
  await once(server, 'listening');

  const refusal = expect(refuseTakenPorts({ A_PORT, B_PORT, C_PORT: B_PORT })).rejects;
  await refusal.toThrow(new RegExp(`Port ${A_PORT} is taken by pid ${process.pid} \\(.*Choose another with A_PORT`));
  await refusal.toThrow(`Port ${B_PORT} is also set by C_PORT. Choose another with B_PORT.`);
  server.close();
});
