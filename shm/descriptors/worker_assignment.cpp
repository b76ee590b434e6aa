#include "shm/descriptors/worker_assignment.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace sluice {

Result<void, DescriptorError> send_assignment(int socket, const WorkerAssignment& assignment,
                                              std::span<const NamedDescriptor> descriptors) {
  ssize_t sent = 0;
  do {
    sent = ::send(socket, &assignment, sizeof(assignment), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent != static_cast<ssize_t>(sizeof(assignment))) return unexpected(DescriptorError::system);
  return send_descriptors(socket, descriptors);
}

Result<AssignedWorker, DescriptorError> receive_assignment(int socket) {
  AssignedWorker assigned;
  ssize_t received = 0;
  do {
    received = ::recv(socket, &assigned.assignment, sizeof(assigned.assignment), MSG_TRUNC);
  } while (received < 0 && errno == EINTR);
  if (received == 0) return unexpected(DescriptorError::closed);
  if (received < 0) return unexpected(DescriptorError::system);
  if (received != static_cast<ssize_t>(sizeof(assigned.assignment)) || assigned.assignment.fate > PredecessorFate::hung ||
      assigned.assignment.blank > 1) {
    return unexpected(DescriptorError::malformed);
  }
  auto descriptors = receive_descriptors(socket);
  if (!descriptors) return unexpected(descriptors.error());
  assigned.descriptors = std::move(*descriptors);
  return assigned;
}

}  // namespace sluice
