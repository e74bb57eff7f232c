export const handler = async (event: { headers: Record<string, string>; routeArn: string }) => ({
  isAuthorized: event.headers['x-deny'] === undefined,
  context: { principal: event.headers.authorization === 'Bearer master' ? 'master' : 'nobody' },
});
