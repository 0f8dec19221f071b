import { ConfigError } from '#platform/process/config.ts';
import { readGatewayConfig } from '../../../gateway/config.ts';
import { readBookingConfig } from '../../../subgraphs/booking/config.ts';
import { readEventConfig } from '../../../subgraphs/event/config.ts';
import { readNotificationConfig } from '../../../subgraphs/notification/config.ts';
import { readUserConfig } from '../../../subgraphs/user/config.ts';
import { LocalError, type ServiceName } from '../settings.ts';
import { type ServiceSettings, serviceEnvironment } from './service-environment.ts';

/** What each service reads its environment with. */
export const CONFIG_READERS = {
  gateway: readGatewayConfig,
  user: readUserConfig,
  event: readEventConfig,
  booking: readBookingConfig,
  notification: readNotificationConfig,
} as const;

/** Reads every service's settings before any of them starts. @throws LocalError with what each of them would refuse */
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
