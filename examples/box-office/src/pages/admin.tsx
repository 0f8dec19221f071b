import { Badge, Button, Code, Tabs } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  DeadLettersDocument,
  FailedNotificationsDocument,
  type NotificationKind,
  RedriveDeadLetterDocument,
  RedriveDeadLettersDocument,
  RetryNotificationDocument,
  RetryNotificationsDocument,
} from '#client/generated/graphql.ts';
import { client, useSession } from '../client.ts';
import { List, useList } from '../parts/list.tsx';
import { Empty, Page, Problem, reload } from '../parts/states.tsx';
import { dateTime, refusalIn } from '../words.ts';

/** A message can have a megabyte. Its beginning is enough to recognize it. */
const PAYLOAD_CHARACTERS_MAX = 2_000;

const TITLES: Readonly<Record<NotificationKind, string>> = {
  BOOKING_CONFIRMED: 'Confirmation',
  BOOKING_CANCELLED: 'Cancellation notice',
  WAITLIST_OFFERED: 'Offer of seats',
  EVENT_CHANGED: 'Notice of a change',
};

export function AdminPage() {
  const session = useSession();
  if (session?.user.role !== 'ADMIN')
    return (
      <Page title="Admin">
        <Empty title="This page is for admins">
          <p>Your account may not see it.</p>
        </Empty>
      </Page>
    );
  return (
    <Page title="Admin" intro="Messages and notifications that failed. You can send them again.">
      <Tabs defaultValue="dead-letters" keepMounted={false}>
        <Tabs.List mb="lg">
          <Tabs.Tab value="dead-letters">Dead letters</Tabs.Tab>
          <Tabs.Tab value="notifications">Failed notifications</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="dead-letters">
          <DeadLetters />
        </Tabs.Panel>
        <Tabs.Panel value="notifications">
          <FailedNotifications />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

const DeadLetters = () => (
  <Entries
    name="dead-letters"
    load={async (page, options) => (await client.request(DeadLettersDocument, page, options)).deadLetters}
    all={['Redrive all', async () => (await client.request(RedriveDeadLettersDocument)).redriveDeadLetters]}
    empty={['No dead letters', 'Every message was processed.']}
  >
    {({ id, subject, reason, payload, deliveries, consumer, createdAt, redrivenAt }) => (
      <Entry key={id} title={subject} badge={redrivenAt ? 'Redriven' : `${deliveries} deliveries`}>
        <p>{reason}</p>
        <p className="where">
          {consumer} · {dateTime(createdAt)}
        </p>
        <Code block className="payload">
          {payload.slice(0, PAYLOAD_CHARACTERS_MAX)}
        </Code>
        <Act
          label="Redrive"
          act={async () => (await client.request(RedriveDeadLetterDocument, { id })).redriveDeadLetter}
          list="dead-letters"
        />
      </Entry>
    )}
  </Entries>
);

const FailedNotifications = () => (
  <Entries
    name="notifications"
    load={async (page, options) => (await client.request(FailedNotificationsDocument, page, options)).notifications}
    all={['Retry all', async () => (await client.request(RetryNotificationsDocument)).retryNotifications]}
    empty={['No failed notifications', 'There is nothing to send again.']}
  >
    {({ id, kind, channel, attempts, createdAt, user, event }) => (
      <Entry
        key={id}
        title={`${TITLES[kind]} for ${user?.name ?? 'an unknown user'}`}
        badge={attempts === 1 ? '1 attempt' : `${attempts} attempts`}
      >
        <p className="where">
          {event?.name ?? 'Event unknown at the moment'} · {channel} · {dateTime(createdAt)}
        </p>
        <Act
          label="Retry"
          act={async () => (await client.request(RetryNotificationDocument, { id })).retryNotification}
          list="notifications"
        />
      </Entry>
    )}
  </Entries>
);

/** A list with one button for all its entries. */
function Entries<Node>({
  name,
  load,
  all: [label, act],
  empty: [title, text],
  children,
}: {
  name: string;
  load: Parameters<typeof useList<Node>>[0]['load'];
  all: [label: string, act: () => Promise<object>];
  empty: [title: string, text: string];
  children: (node: Node) => ReactNode;
}) {
  const query = useList({ queryKey: [name], load });
  const empty = (
    <Empty title={title}>
      <p>{text}</p>
    </Empty>
  );
  return (
    <List query={query} more="Show more" empty={empty}>
      {(nodes) => (
        <>
          <Act label={label} act={act} list={name} />
          <ul className="entries">{nodes.map(children)}</ul>
        </>
      )}
    </List>
  );
}

const Entry = ({ title, badge, children }: { title: string; badge: string; children: ReactNode }) => (
  <li className="card padded">
    <div className="entry-head">
      <h2>{title}</h2>
      <Badge color="gray">{badge}</Badge>
    </div>
    {children}
  </li>
);

/** A button that changes entries of a list and loads the list again. */
function Act({ label, act, list }: { label: string; act: () => Promise<object>; list: string }) {
  const action = useMutation({ mutationFn: act, onSuccess: () => reload(list) });
  const problem = action.error ?? refusalIn(action.data);
  return (
    <>
      {problem && <Problem of={problem} />}
      <Button variant="default" size="sm" className="act" loading={action.isPending} onClick={() => action.mutate()}>
        {label}
      </Button>
    </>
  );
}
