import { ActionIcon, Alert, Button, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useColorScheme, useNetwork } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Link, Redirect, Route, Switch, useLocation } from 'wouter';
import { client, useSession } from './client.ts';
import { intents } from './intent.ts';
import { useBookingNews } from './news.ts';
import { AccountPage } from './pages/account.tsx';
import { AdminPage } from './pages/admin.tsx';
import { BookingsPage } from './pages/bookings.tsx';
import { EditEventPage } from './pages/edit-event.tsx';
import { EventPage } from './pages/event.tsx';
import { EventsPage } from './pages/events.tsx';
import { OrganizePage } from './pages/organize.tsx';
import { ForgotPasswordPage, ResetPasswordPage } from './pages/password.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { VerifyEmailPage } from './pages/verify-email.tsx';
import { WebhookPage } from './pages/webhook.tsx';
import { WebhooksPage } from './pages/webhooks.tsx';
import { ButtonLink } from './parts/links.tsx';
import { Empty, Page } from './parts/states.tsx';

export function App() {
  const session = useSession();
  const { online } = useNetwork();
  const [, navigate] = useLocation();
  useBookingNews(session?.user.id);
  useEffect(() => {
    const intent = intents.load();
    if (intent !== null && intent.userId === session?.user.id) navigate(`/events/${intent.eventId}`);
  }, [session?.user.id, navigate]);
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <Header />
      {!online && (
        <Alert color="yellow" radius={0} role="status" className="offline">
          You are offline. The page shows its last known state and continues when you are online again.
        </Alert>
      )}
      <main id="content">
        <Switch>
          <Route path="/" component={EventsPage} />
          <Route path="/events/:id">{({ id }) => <EventPage key={id} id={id} />}</Route>
          <Route path="/sign-in">
            <SignInPage key="in" isNew={false} />
          </Route>
          <Route path="/sign-up">
            <SignInPage key="up" isNew={true} />
          </Route>
          <Route path="/forgot-password" component={ForgotPasswordPage} />
          <Route path="/reset-password" component={ResetPasswordPage} />
          <Route path="/verify-email" component={VerifyEmailPage} />
          <Route path="/account">
            <SignedIn>
              <AccountPage />
            </SignedIn>
          </Route>
          <Route path="/bookings">
            <SignedIn>
              <BookingsPage />
            </SignedIn>
          </Route>
          <Route path="/organize">
            <SignedIn>
              <OrganizePage />
            </SignedIn>
          </Route>
          <Route path="/organize/webhooks">
            <SignedIn>
              <WebhooksPage />
            </SignedIn>
          </Route>
          <Route path="/organize/webhooks/:id">
            {({ id }) => (
              <SignedIn>
                <WebhookPage key={id} id={id} />
              </SignedIn>
            )}
          </Route>
          <Route path="/organize/:id">
            {({ id }) => (
              <SignedIn>
                <EditEventPage key={id} id={id} />
              </SignedIn>
            )}
          </Route>
          <Route path="/admin">
            <SignedIn>
              <AdminPage />
            </SignedIn>
          </Route>
          <Route>
            <Page title="Page not found">
              <Empty title="There is nothing here">
                <ButtonLink href="/">See all events</ButtonLink>
              </Empty>
            </Page>
          </Route>
        </Switch>
      </main>
    </>
  );
}

/** Sends visitors to the sign-in page and back. */
function SignedIn({ children }: { children: ReactNode }) {
  const session = useSession();
  const [path] = useLocation();
  if (session === undefined) return null;
  return session === null ? <Redirect to={`/sign-in?next=${encodeURIComponent(path)}`} replace /> : children;
}

function Header() {
  const session = useSession();
  const [path] = useLocation();
  const leave = useMutation({
    async mutationFn() {
      intents.clear();
      await client.signOut();
    },
  });
  const pages = [
    ['/', 'Events'],
    ['/bookings', 'My bookings'],
    ['/organize', 'Organize'],
    ...(session ? [['/account', 'Account'] as const] : []),
    ...(session?.user.role === 'ADMIN' ? [['/admin', 'Admin'] as const] : []),
  ] as const;
  const isCurrent = (href: string) =>
    href === '/' ? path === '/' || path.startsWith('/events') : path.startsWith(href);
  return (
    <header className="header">
      <Link href="/" className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M4 8a3 3 0 0 1 3-3h18a3 3 0 0 1 3 3v5a3 3 0 0 0 0 6v5a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3v-5a3 3 0 0 0 0-6z" />
        </svg>
        Box Office
      </Link>
      <nav aria-label="Pages">
        {pages.map(([href, label]) => (
          <Link key={href} href={href} aria-current={isCurrent(href) ? 'page' : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      <div className="account">
        <ColorScheme />
        {session === null && (
          <ButtonLink href={`/sign-in?next=${encodeURIComponent(path)}`} size="sm">
            Sign in
          </ButtonLink>
        )}
        {session && (
          <>
            <span className="user">{session.user.name}</span>
            <Button variant="default" size="sm" onClick={() => leave.mutate()}>
              Sign out
            </Button>
          </>
        )}
      </div>
    </header>
  );
}

/** Switches between light and dark. The page follows the system until the user chooses the other. */
function ColorScheme() {
  const { setColorScheme } = useMantineColorScheme();
  const system = useColorScheme();
  const other = useComputedColorScheme(system) === 'light' ? 'dark' : 'light';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={`Use ${other} colours`}
      onClick={() => setColorScheme(other === system ? 'auto' : other)}
    >
      <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
        {other === 'dark' ? (
          <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z" />
        ) : (
          <path d="M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5" />
        )}
      </svg>
    </ActionIcon>
  );
}
