from ptz.services.orders import PtzResult, move_ptz, note_refused_request
from ptz.services.stopping import stop_due_movements

__all__ = ["PtzResult", "move_ptz", "note_refused_request", "stop_due_movements"]
