import { ConfigError, type SubgraphSettings } from '#platform/process/config.ts';
import { type ServiceName, SUBGRAPHS, type SubgraphName } from '#services';
import { readGatewayConfig } from '../../../gateway/config.ts';
import { LocalError } from '../settings.ts';
import { type ServiceSettings, serviceEnvironment } from './service-environment.ts';

type SubgraphReaders = Record<SubgraphName, (env: NodeJS.ProcessEnv) => SubgraphSettings>;

const importReader = async (name: SubgraphName) =>
  [name, (await import(`../../../subgraphs/${name}/config.ts`)).readConfig] as const;

/** The function of each service that reads its environment. */
export const CONFIG_READERS = {
  gateway: readGatewayConfig,
  ...(Object.fromEntries(await Promise.all(SUBGRAPHS.map(importReader))) as SubgraphReaders),
};

/** Checks the settings of all services before the first one starts. @throws LocalError with all invalid settings */
export function checkConfigurations(settings: ServiceSettings): void {
  const refusals = Object.entries(CONFIG_READERS).flatMap(([name, read]) => {
    try {
      read(serviceEnvironment(name as ServiceName, settings));
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return [`${name}: ${error.message}`];
    }
  });
  if (refusals.length > 0) throw new LocalError(refusals.join('\n'));
}
