import type { Connection } from 'mariadb';
import { v7 as newId } from 'uuid';
import { serializeMessage } from '#platform/messaging/message.ts';
import { testMessage } from '#platform/testing/messaging.ts';
import type { SubgraphName } from '#services';
import { down, type Fault, hung, killed, slow } from '../support/faults.ts';
import { connectTo } from '../support/invariants.ts';
import { eachOfMany } from '../support/random.ts';
import type { Scene } from '../support/rig.ts';
import { openStreams } from '../support/streams.ts';
import type { Mailbox } from './mailbox.ts';

const CONFIRMED = 'booking.confirmed.v1';
const BURST = 1_100;
const AT_ONCE = 50;
const FLAP_MS = 3_000;
/** A bound of the outbox that a test can reach, and that is higher than the number of messages in an outage. */
export const OUTBOX_ROWS_MAX = 2_000;

type Change = Omit<Fault, 'name'>;

/** A fault, in words, and the alerts that it must raise. */
export interface AlertFault extends Change {
  readonly words: string;
  readonly alerts: readonly string[];
}

/** Runs statements as the owner of a database, who may change its tables. */
async function asOwner({ system }: Scene, name: SubgraphName, ...statements: readonly string[]): Promise<void> {
  const connection = await connectTo(system.ownerUrl(name));
  for (const statement of statements) await connection.query(statement);
  await connection.end();
}

/** Publishes messages to the stream BOOKINGS. */
async function publish({ system }: Scene, bodies: readonly string[]): Promise<void> {
  const { broker, close } = openStreams(system);
  const { client } = await broker.jetStream();
  await eachOfMany(bodies, AT_ONCE, (body) => client.publish(broker.subject(CONFIRMED), body));
  await close();
}

/** A fault of the database's content, and its repair. */
const changed = (name: SubgraphName, begin: readonly string[], end: readonly string[]): Change => ({
  begin: (scene) => asOwner(scene, name, ...begin),
  end: (scene) => asOwner(scene, name, ...end),
});

/** A subgraph loses its database and gets it back, again and again. */
function flapping(name: SubgraphName): Change {
  let timer: NodeJS.Timeout;
  return {
    begin({ proxies }) {
      const proxy = proxies[`${name} database`];
      let isDown = false;
      timer = setInterval(() => {
        isDown = !isDown;
        if (isDown) proxy.cut();
        else proxy.restore();
      }, FLAP_MS);
    },
    end({ proxies }) {
      clearInterval(timer);
      proxies[`${name} database`].restore();
    },
  };
}

/** Another session holds the table in which the consumers record messages, while many messages arrive. */
function burst(): Change {
  let holder: Connection;
  return {
    async begin(scene) {
      holder = await connectTo(scene.system.ownerUrl('notification'));
      await holder.query('LOCK TABLES inbox WRITE');
      // All messages are about the same booking, so they lead to one notification.
      const data = { bookingId: newId(), eventId: newId(), userId: newId(), seatCount: 1 };
      const message = () => serializeMessage('test', testMessage(newId(), CONFIRMED, data));
      await publish(scene, Array.from({ length: BURST }, message));
    },
    end: () => holder.end(),
  };
}

/** Published once. The consumer tries it five times within 156 s. There is nothing to repair afterwards. */
export const POISON: AlertFault = {
  words: 'a message is published that is not JSON; the consumer gives up after 156 s',
  alerts: ['MessageBecameDeadLetter'],
  lastsMs: 0,
  begin: (scene) => publish(scene, ['not JSON']),
  end: () => undefined,
};

/** The other faults, in the order in which they are made. */
export const createFaults = (mailbox: Mailbox): readonly AlertFault[] => [
  {
    words: 'the table of users is renamed, so that all pages fail with an internal error',
    alerts: ['ErrorBudgetBurnsFast', 'ErrorBudgetBurnsSlowly'],
    ...changed('user', ['RENAME TABLE users TO hidden'], ['RENAME TABLE hidden TO users']),
  },
  {
    words: `the booking subgraph loses its database every ${(2 * FLAP_MS) / 1_000} s`,
    alerts: ['ReadinessFlaps'],
    ...flapping('booking'),
  },
  {
    words: 'each statement of the booking subgraph takes 700 ms longer',
    alerts: ['OperationsAreSlow', 'LatencyBudgetBurnsFast', 'DatabasePoolIsExhausted'],
    ...slow('booking database', 700),
  },
  { words: 'the event subgraph is killed', alerts: ['ServiceIsDown', 'ServiceIsMissing'], ...killed('event') },
  { words: 'the user subgraph hangs', alerts: ['BreakerIsOpen'], ...hung('user') },
  {
    words: 'the outbox of the booking subgraph is full of messages that the broker has refused',
    alerts: ['BoundIsNearlyReached', 'NoBookingSucceeds'],
    ...changed(
      'booking',
      [
        `INSERT INTO outbox (id, subject, payload, refused_at)
         SELECT UUID(), 'refused', '{}', CURRENT_TIMESTAMP(3) FROM seq_1_to_${OUTBOX_ROWS_MAX}`,
      ],
      ["DELETE FROM outbox WHERE subject = 'refused'"],
    ),
  },
  {
    words: 'one free seat of each event that is not sold out is removed by hand, and the reconciliation runs',
    alerts: ['SeatsDoNotAddUp'],
    ...changed(
      'booking',
      [
        'UPDATE inventories SET available_seats = available_seats - 1 WHERE total_seats > 1000',
        'UPDATE reconciliations SET due_at = CURRENT_TIMESTAMP(3)',
      ],
      ['UPDATE inventories SET available_seats = available_seats + 1 WHERE total_seats > 1000'],
    ),
  },
  {
    words: `another session locks the inbox of the notification subgraph, and ${BURST} messages arrive`,
    alerts: ['ConsumerIsLate', 'ConsumerIsDown'],
    ...burst(),
  },
  { words: 'the broker cannot be reached', alerts: ['OutboxIsLate'], ...down('broker') },
  {
    words: 'the mail server refuses every address',
    alerts: ['NotificationsFail'],
    begin: () => mailbox.refuse(true),
    end: () => mailbox.refuse(false),
  },
  {
    words: 'the mail server is stopped',
    alerts: ['ChannelIsAway'],
    begin: mailbox.stop,
    end: mailbox.start,
  },
];
