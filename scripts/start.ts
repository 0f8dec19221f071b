/**
 * npm start [-- --database mariadb|mysql]
 *
 * Runs the whole system on this machine until Ctrl-C: the servers, the migrations, the four subgraphs, the gateway and
 * the demo data. It starts private servers unless the environment names others. .env.example lists the settings.
 */
import { relative } from 'node:path';
import { SERVICES, SUBGRAPHS, type SubgraphName } from '#services';
import { readGatewayConfig } from '../gateway/config.ts';
import { buildBoxOffice } from './box-office.ts';
import { generate } from './generate.ts';
import { createLineFormat, followLogs, isAtLeast } from './local/log-files.ts';
import { onInterruption } from './local/processes/interruption.ts';
import { lockDataDir } from './local/processes/lock.ts';
import { refuseTakenPorts } from './local/processes/ports.ts';
import { stopRecorded } from './local/processes/processes.ts';
import { secondsSince, tellStep } from './local/progress.ts';
import { runScript } from './local/run-script.ts';
import { loadSecrets } from './local/secrets.ts';
import { type Database, takeDatabase } from './local/servers/databases.ts';
import { privateServers, startServers } from './local/servers/servers.ts';
import { checkConfigurations } from './local/services/configuration.ts';
import { serviceEnvironment } from './local/services/service-environment.ts';
import { createServices } from './local/services/services.ts';
import { LocalError, type LocalSettings, loadEnvironment, portVariable, readSettings } from './local/settings.ts';
import { migrate } from './migrate.ts';
import { DEMO_PASSWORD, DEMO_USER } from './seed/catalogue.ts';
import { seedDemoUser } from './seed/demo-user.ts';

async function main(): Promise<void> {
  const { database, rest } = takeDatabase(process.argv.slice(2));
  if (rest.length > 0) throw new LocalError(`npm start has no option ${rest.join(' ')}. It takes only --database.`);
  const settings = readSettings(loadEnvironment());
  lockDataDir(settings.dataDir);
  const interruption = onInterruption(settings.dataDir);
  try {
    await runSystem({ ...settings, database }, interruption);
  } catch (error) {
    if (!interruption.aborted) throw error;
  }
}

/** Starts everything. On an interruption or a failure, stops everything in the opposite order. */
async function runSystem(settings: LocalSettings & { database: Database }, interruption: AbortSignal): Promise<void> {
  const startedAtMs = performance.now();
  const { dataDir, ports, database, given } = settings;
  const orphans = await stopRecorded(dataDir);
  if (orphans.length > 0) console.log(`  ✓ Stopped the processes of an earlier run: ${orphans.join(', ')}`);
  const needed = ['gateway', ...SUBGRAPHS, ...privateServers(given)] as const;
  await refuseTakenPorts(Object.fromEntries(needed.map((name) => [portVariable(name), ports[name]])));
  await generate(tellStep, interruption);

  const started = new AsyncDisposableStack();
  try {
    const servers = await startServers({ dataDir, ports, database, given, step: tellStep, signal: interruption });
    started.defer(() => tellStep('Stopping the servers', servers.stop));
    const serviceSettings = { ...servers, ports, secrets: await loadSecrets(dataDir), env: process.env };
    checkConfigurations(serviceSettings);
    const { servesBoxOffice } = readGatewayConfig(serviceEnvironment('gateway', serviceSettings));
    if (servesBoxOffice) await buildBoxOffice(tellStep, interruption);
    const services = createServices({ ...serviceSettings, dataDir });
    started.defer(() => tellStep('Stopping the services', services.stop));

    services.start('gateway');
    await tellStep('Migrations', () => migrateAll(servers.databaseUrls, interruption), appliedText);
    services.start(...SUBGRAPHS);
    await tellStep('Gateway and subgraphs', () => services.waitUntilReady(interruption));
    const graphqlUrl = `http://localhost:${ports.gateway}/graphql`;
    if (process.env.NODE_ENV !== 'production') await tellStep('Demo data', () => seedDemoUser(graphqlUrl), String);

    console.log(panel(settings, servesBoxOffice, secondsSince(startedAtMs)));
    interruption.throwIfAborted();
    const end = new AbortController();
    started.defer(() => end.abort());
    await Promise.race([showProblems(dataDir, AbortSignal.any([interruption, end.signal])), services.failed]);
  } finally {
    await started.disposeAsync();
  }
}

/** Shows the warnings and errors of all services until the signal is aborted. */
async function showProblems(dataDir: string, signal: AbortSignal): Promise<void> {
  const format = createLineFormat({ colorize: process.stdout.isTTY });
  await followLogs({
    dataDir,
    services: SERVICES,
    lastLines: Number.POSITIVE_INFINITY,
    onLine: (line) => isAtLeast(line, 'warn') && console.log(`  ${format(line)}`),
    signal,
  });
}

/** Migrates one database after another: all migrations take the same lock of the database server. */
async function migrateAll(urls: Record<SubgraphName, string>, signal: AbortSignal): Promise<number> {
  let count = 0;
  try {
    for (const name of SUBGRAPHS) count += (await migrate(name, urls[name], signal)).length;
  } catch (error) {
    if (error instanceof LocalError) error.message += '\nTo delete all local data and start again: npm run reset';
    throw error;
  }
  return count;
}

const appliedText = (count: number) => (count === 0 ? 'up to date' : `${count} applied`);

const panel = ({ dataDir, ports }: LocalSettings, servesBoxOffice: boolean, duration: string) => `
  The Event Booking System is running. It started in ${duration}.
${servesBoxOffice ? `\n    Box office  http://localhost:${ports.gateway}` : ''}
    GraphQL     http://localhost:${ports.gateway}/graphql
    Explorer    http://localhost:${ports.gateway}/graphiql
    Health      http://localhost:${ports.gateway}/health and /ready
    Sign in     ${DEMO_USER.email} with the password ${DEMO_PASSWORD}
    More data   npm run seed adds 30 events, 200 users and their bookings
    Logs        npm run logs, or ${relative(process.cwd(), dataDir) || dataDir}/logs
    Stop        Ctrl-C
`;

await runScript(main);
