import { type LocalProcess, startProcess, tailOf } from '../processes/processes.ts';
import type { CommandOf } from '../programs.ts';
import { LocalError } from '../settings.ts';
import { type Greeting, waitForGreeting } from './greeting.ts';

/** A private server: its program and arguments, its preparation, and the greeting that shows that it is ready. */
export interface ServerSpec {
  name: string;
  title: string;
  /** The server program first, then the programs that its preparation needs. */
  programs: readonly [string, ...string[]];
  args: readonly string[];
  port: number;
  greeting: Omit<Greeting, 'port'>;
  stopGraceMs: number;
  prepare(commandOf: CommandOf): Promise<void> | void;
}

/** Long enough for a database to recover from a crash. */
const START_TIMEOUT_MS = 60_000;

/** Starts a server and waits until it is ready. @throws LocalError with the end of its log when it does not start */
export async function startServer(
  spec: ServerSpec,
  { dataDir, commandOf, signal }: { dataDir: string; commandOf: CommandOf; signal?: AbortSignal | undefined },
): Promise<LocalProcess> {
  const { name, port, greeting } = spec;
  await spec.prepare(commandOf);
  signal?.throwIfAborted();
  const [command, ...args] = commandOf(spec.programs[0]);
  const server = startProcess({ name, command, args: [...args, ...spec.args], dataDir });
  const isGivenUp = () => server.ended !== undefined || signal?.aborted === true;
  if (await waitForGreeting({ port, ...greeting }, START_TIMEOUT_MS, isGivenUp)) return server;
  const reason = server.ended ?? `no answer within ${START_TIMEOUT_MS / 1_000} s`;
  await server.stop(spec.stopGraceMs);
  signal?.throwIfAborted();
  throw new LocalError(
    `${name} did not start: ${reason}. The last lines of its log ${server.logFile}:\n${tailOf(server.logFile)}`,
  );
}
