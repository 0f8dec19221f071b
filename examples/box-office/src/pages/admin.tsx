import { Badge, Button, Code, Tabs } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  DeadLettersDocument,
  FailedNotificationsDocument,
  RedriveDeadLetterDocument,
  RedriveDeadLettersDocument,
  RetryNotificationDocument,
  RetryNotificationsDocument,
} from '#client/generated/graphql.ts';
import { client, useSession } from '../client.ts';
import { List, useList } from '../parts/list.tsx';
import { Empty, Page, Problem, reload } from '../parts/states.tsx';
import { dateTime, refusalIn } from '../words.ts';

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
    <Page title="Admin" intro="What needs a second try.">
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

function DeadLetters() {
  const query = useList({
    queryKey: ['dead-letters'],
    load: async (page, options) => (await client.request(DeadLettersDocument, page, options)).deadLetters,
  });
  return (
    <List
      query={query}
      more="Show more"
      empty={
        <Empty title="No dead letters">
          <p>Every message was processed.</p>
        </Empty>
      }
    >
      {(letters) => (
        <>
          <Act
            label="Redrive all"
            act={async () => (await client.request(RedriveDeadLettersDocument)).redriveDeadLetters}
            list="dead-letters"
          />
          <ul className="entries">
            {letters.map(({ id, subject, reason, payload, deliveries, consumer, createdAt, redrivenAt }) => (
              <Entry key={id} title={subject} badge={redrivenAt ? 'Redriven' : `${deliveries} deliveries`}>
                <p>{reason}</p>
                <p className="where">
                  {consumer} · {dateTime(createdAt)}
                </p>
                <Code block>{payload}</Code>
                <Act
                  label="Redrive"
                  act={async () => (await client.request(RedriveDeadLetterDocument, { id })).redriveDeadLetter}
                  list="dead-letters"
                />
              </Entry>
            ))}
          </ul>
        </>
      )}
    </List>
  );
}

function FailedNotifications() {
  const query = useList({
    queryKey: ['notifications'],
    load: async (page, options) => (await client.request(FailedNotificationsDocument, page, options)).notifications,
  });
  return (
    <List
      query={query}
      more="Show more"
      empty={
        <Empty title="No failed notifications">
          <p>Everyone was told about their bookings.</p>
        </Empty>
      }
    >
      {(failed) => (
        <>
          <Act
            label="Retry all"
            act={async () => (await client.request(RetryNotificationsDocument)).retryNotifications}
            list="notifications"
          />
          <ul className="entries">
            {failed.map(({ id, kind, channel, attempts, createdAt, user, booking }) => (
              <Entry
                key={id}
                title={`${kind === 'BOOKING_CONFIRMED' ? 'Confirmation' : 'Cancellation notice'} for ${user?.name ?? 'an unknown user'}`}
                badge={`${attempts} attempts`}
              >
                <p className="where">
                  {booking?.event?.name ?? 'Event unknown at the moment'} · {channel} · {dateTime(createdAt)}
                </p>
                <Act
                  label="Retry"
                  act={async () => (await client.request(RetryNotificationDocument, { id })).retryNotification}
                  list="notifications"
                />
              </Entry>
            ))}
          </ul>
        </>
      )}
    </List>
  );
}

const Entry = ({ title, badge, children }: { title: string; badge: string; children: ReactNode }) => (
  <li className="card padded">
    <div className="entry-head">
      <h2>{title}</h2>
      <Badge variant="light" color="gray">
        {badge}
      </Badge>
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
