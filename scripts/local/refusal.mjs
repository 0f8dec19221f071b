/**
 * Says why the commands must not run as they were called; empty when they may run. With sudo, they would create files
 * that belong to root in a folder of the user. Root without sudo may run them, for example in a container.
 * @param {{ platform: string, uid: number | undefined, sudoUid: string | undefined, ownerUid: number }} caller
 *   ownerUid is the owner of the repository's folder
 */
export function refusalOf({ platform, uid, sudoUid, ownerUid }) {
  if (platform === 'win32') {
    return (
      'This does not run on Windows itself. Run it in WSL, with Debian or Ubuntu.\n' +
      'Or run everything in containers: docker compose up --build --wait'
    );
  }
  if (uid === 0 && sudoUid !== undefined && sudoUid !== '0' && ownerUid !== 0) {
    return (
      'Run this command without sudo. With sudo, it would create files here that belong to root.\n' +
      'If servers are missing, the command prints how to install them.'
    );
  }
  return '';
}
